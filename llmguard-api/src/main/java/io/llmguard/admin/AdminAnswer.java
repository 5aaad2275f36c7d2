package io.llmguard.admin;

import io.llmguard.Headers;
import java.nio.ByteBuffer;

/**
 * An answer of the admin API as an adapter writes it.
 *
 * @param status the HTTP status
 * @param headers every field to send; {@code Content-Type} and {@code Cache-Control: no-store} are
 *     among them
 * @param body the body, from position to limit
 */
public record AdminAnswer(int status, Headers headers, ByteBuffer body) {
  /** The status only: a body may hold a new key. */
  @Override
  public String toString() {
    return "AdminAnswer[" + status + "]";
  }
}
