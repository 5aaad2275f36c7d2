package io.llmguard.network;

import io.llmguard.GuardRequest;
import io.llmguard.Headers;
import io.llmguard.Refusal;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Refuses requests whose framing two servers could read differently (RFC 9112, section 6), and
 * those that would turn the connection into something else.
 */
final class MessageRules {
  private static final Refusal BOTH_FRAMINGS =
      Refusal.of(
          400, "bad-framing", "Content-Length and Transfer-Encoding exclude each other; send one");
  private static final Refusal TRANSFER_ENCODING =
      Refusal.of(
          400, "bad-framing", "the only Transfer-Encoding that is taken is chunked, sent once");
  private static final Refusal CONTENT_LENGTH =
      Refusal.of(400, "bad-framing", "Content-Length must be one decimal number, sent once");
  private static final Refusal UPGRADE =
      Refusal.of(400, "upgrade-refused", "connections are not upgraded here; leave Upgrade away");
  private static final Refusal METHOD =
      Refusal.of(405, "method-refused", "CONNECT, TRACE and TRACK are not taken here, on any path")
          .with("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");

  private MessageRules() {}

  static @Nullable Refusal check(GuardRequest request) {
    String method = request.method();
    // methods are case-sensitive, but an upstream may not think so
    if (method.equalsIgnoreCase("CONNECT")
        || method.equalsIgnoreCase("TRACE")
        || method.equalsIgnoreCase("TRACK")) {
      return METHOD;
    }
    Headers headers = request.headers();
    if (headers.contains("Upgrade") && !onlyH2c(headers)) {
      return UPGRADE;
    }
    boolean chunked = headers.contains("Transfer-Encoding");
    boolean sized = headers.contains("Content-Length");
    if (chunked && sized) {
      return BOTH_FRAMINGS;
    }
    if (chunked) {
      List<String> codings = headers.all("Transfer-Encoding");
      return codings.size() == 1 && codings.get(0).strip().equalsIgnoreCase("chunked")
          ? null
          : TRANSFER_ENCODING;
    }
    if (sized) {
      List<String> lengths = headers.all("Content-Length");
      return lengths.size() == 1 && isLength(lengths.get(0)) ? null : CONTENT_LENGTH;
    }
    return null;
  }

  /** An offer of HTTP/2 may be ignored, and clients make it unasked: Java's own does. */
  private static boolean onlyH2c(Headers headers) {
    List<String> offers = headers.all("Upgrade");
    return offers.size() == 1 && offers.get(0).strip().equalsIgnoreCase("h2c");
  }

  private static boolean isLength(String text) {
    // 18 digits are below Long.MAX_VALUE
    if (text.isEmpty() || text.length() > 18) {
      return false;
    }
    for (int i = 0; i < text.length(); i++) {
      if (text.charAt(i) < '0' || text.charAt(i) > '9') {
        return false;
      }
    }
    return true;
  }
}
