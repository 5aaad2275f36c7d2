package io.llmguard.auth;

import org.jspecify.annotations.Nullable;

/**
 * The challenge of a {@code WWW-Authenticate} field for bearer credentials (RFC 9110, section
 * 11.6.1, and RFC 6750, section 3).
 *
 * @param realm what is protected
 * @param error an error code of RFC 6750, section 3.1, or null where no credential was sent
 * @param description a sentence for developers, or null
 */
public record BearerChallenge(String realm, @Nullable String error, @Nullable String description) {
  /** The name of the field. */
  public static final String FIELD = "WWW-Authenticate";

  /** The challenge for a call without a credential. */
  public static BearerChallenge of(String realm) {
    return new BearerChallenge(realm, null, null);
  }

  /** The field's value; quotes, backslashes and what may not stand in a field are made harmless. */
  public String value() {
    StringBuilder value = new StringBuilder("Bearer realm=");
    quote(realm, value);
    if (error != null) {
      quote(error, value.append(", error="));
    }
    if (description != null) {
      quote(description, value.append(", error_description="));
    }
    return value.toString();
  }

  /** A quoted-string of RFC 9110, section 5.6.4, of printable ASCII only. */
  private static void quote(String text, StringBuilder into) {
    into.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        into.append('\\').append(c);
      } else {
        into.append(c >= ' ' && c < 0x7f ? c : '?');
      }
    }
    into.append('"');
  }
}
