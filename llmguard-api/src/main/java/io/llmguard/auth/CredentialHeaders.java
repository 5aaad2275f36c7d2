package io.llmguard.auth;

/** The header fields in which callers send what identifies them; none ever goes upstream. */
public final class CredentialHeaders {
  /** {@code Authorization} (RFC 9110), of which the scheme {@code Bearer} (RFC 6750) is read. */
  public static final String AUTHORIZATION = "Authorization";

  /** {@code X-Api-Key}, as Anthropic's clients send it. */
  public static final String X_API_KEY = "X-Api-Key";

  /** {@code x-goog-api-key}, as Google's clients send it; read where it is switched on. */
  public static final String X_GOOG_API_KEY = "x-goog-api-key";

  /** {@code api-key}, as Azure's clients send it; read where it is switched on. */
  public static final String API_KEY = "api-key";

  /** {@code Client-Cert} (RFC 9440), read from a trusted proxy. */
  public static final String CLIENT_CERT = "Client-Cert";

  /** {@code Client-Cert-Chain} (RFC 9440), which comes with {@link #CLIENT_CERT}. */
  public static final String CLIENT_CERT_CHAIN = "Client-Cert-Chain";

  /** {@code X-SSL-Client-Cert}, as nginx sends it by configuration; read from a trusted proxy. */
  public static final String X_SSL_CLIENT_CERT = "X-SSL-Client-Cert";

  /** {@code X-SSL-Client-Verify}, which comes with {@link #X_SSL_CLIENT_CERT}. */
  public static final String X_SSL_CLIENT_VERIFY = "X-SSL-Client-Verify";

  private CredentialHeaders() {}
}
