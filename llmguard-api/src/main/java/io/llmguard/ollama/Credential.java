package io.llmguard.ollama;

import io.llmguard.ollama.internal.HeaderFields;

/**
 * What proves who calls, as one header. Its text form never shows the secret. Immutable.
 *
 * @see OllamaClient.Builder#credential
 */
public final class Credential {
  private final String header;
  private final String value;

  private Credential(String header, String value) {
    this.header = header;
    this.value = value;
  }

  /**
   * {@code Authorization: Bearer …}. White space around the token is left out.
   *
   * @throws IllegalArgumentException where the token is blank or holds anything but visible ASCII
   *     characters; it is not repeated there
   */
  public static Credential bearer(String token) {
    return new Credential("Authorization", "Bearer " + HeaderFields.secret(token));
  }

  /**
   * {@code X-Api-Key: …}. White space around the key is left out.
   *
   * @throws IllegalArgumentException where the key is blank or holds anything but visible ASCII
   *     characters; it is not repeated there
   */
  public static Credential apiKey(String key) {
    return new Credential("X-Api-Key", HeaderFields.secret(key));
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
