package io.llmguard.inspect;

import java.util.regex.Pattern;

/** Names of inspectors and kinds, which stand in reasons and tags. */
final class Names {
  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9]*(-[a-z0-9]+)*");
  private static final int LONGEST = 40;

  private Names() {}

  static String check(String name) {
    if (name.length() > LONGEST || !NAME.matcher(name).matches()) {
      throw new IllegalArgumentException("a name is words of a-z and 0-9 joined by hyphens");
    }
    return name;
  }
}
