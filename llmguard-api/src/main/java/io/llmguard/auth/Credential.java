package io.llmguard.auth;

import io.llmguard.Exchange;
import io.llmguard.key.KeyHash;
import org.jspecify.annotations.Nullable;

/**
 * The one secret that a call presented in its header fields, good or not.
 *
 * <p>Immutable. The secret never stands in {@link #toString}.
 */
public final class Credential {
  static final Exchange.Key<Credential> KEY = new Exchange.Key<>("credential", Credential.class);

  private final String secret;
  private final KeyHash hash;

  Credential(String secret) {
    this.secret = secret;
    this.hash = KeyHash.of(secret);
  }

  /**
   * The credential that the {@link AuthenticationStage} found in the call before it asked any
   * authenticator, or null if there was none.
   */
  public static @Nullable Credential of(Exchange exchange) {
    return exchange.get(KEY);
  }

  /** The secret as it was presented, without the scheme; never empty. */
  public String reveal() {
    return secret;
  }

  /** The hash of the secret. */
  public KeyHash hash() {
    return hash;
  }

  /** True if the secret has the form of a signed token: three parts of base64url. */
  public boolean looksLikeJwt() {
    int dots = 0;
    for (int i = 0; i < secret.length(); i++) {
      char c = secret.charAt(i);
      if (c == '.') {
        dots++;
      } else if ((c < '0' || c > '9')
          && (c < 'A' || c > 'Z')
          && (c < 'a' || c > 'z')
          && c != '-'
          && c != '_') {
        return false;
      }
    }
    return dots == 2;
  }

  @Override
  public String toString() {
    return "Credential[…]";
  }
}
