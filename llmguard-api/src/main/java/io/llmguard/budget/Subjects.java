package io.llmguard.budget;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** Names of what budgets are for, as parts of the names of accounts. */
final class Subjects {
  private static final int LONGEST = 200;

  private Subjects() {}

  /** The name as it may stand in a log: bounded, and in one line. */
  static String shown(String subject) {
    StringBuilder shown = new StringBuilder();
    bounded(subject)
        .codePoints()
        .map(c -> Character.isISOControl(c) || Character.getType(c) == Character.FORMAT ? '?' : c)
        .forEach(shown::appendCodePoint);
    return shown.toString();
  }

  /** The name itself, or its digest where it is long: callers choose some of them. */
  static String bounded(String subject) {
    if (subject.length() <= LONGEST) {
      return subject;
    }
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(subject.getBytes(StandardCharsets.UTF_8));
      return "sha256:" + HexFormat.of().formatHex(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }
}
