package io.llmguard.ollama;

/**
 * What proves who calls, as one header. Its text form never shows the secret. Immutable.
 *
 * @see OllamaClient.Builder#credential
 */
public final class Credential {
  private final String header;
  private final String value;

  private Credential(String header, String value) {
    if (value.isBlank() || value.chars().anyMatch(c -> c < ' ' || c == 127)) {
      throw new IllegalArgumentException("a credential is blank or holds a control character");
    }
    this.header = header;
    this.value = value;
  }

  /** {@code Authorization: Bearer …}. */
  public static Credential bearer(String token) {
    return new Credential("Authorization", "Bearer " + token.strip());
  }

  /** {@code X-Api-Key: …}. */
  public static Credential apiKey(String key) {
    return new Credential("X-Api-Key", key.strip());
  }

  /** The header's name. */
  public String header() {
    return header;
  }

  /** The header's value, in clear. */
  public String value() {
    return value;
  }

  /** The header's name only. */
  @Override
  public String toString() {
    return "Credential[" + header + "]";
  }
}
