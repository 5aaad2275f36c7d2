package io.llmguard.upstream;

import io.llmguard.HeaderMap;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.upstream.UpstreamFailure.Kind;
import java.nio.ByteBuffer;

/** What the proxy itself says to a client. */
final class OwnAnswer {
  private OwnAnswer() {}

  static Refusal draining() {
    return Refusal.of(503, "draining", "the server is about to stop: try again")
        .with("Retry-After", "5");
  }

  /** What a client hears that has seen nothing of an answer. */
  static Refusal of(Outcome outcome, UpstreamFailure failure) {
    if (outcome.kind() == Outcome.Kind.TIMEOUT) {
      return Refusal.of(504, "upstream-timeout", "the model server did not answer in time");
    }
    return Refusal.of(
        502,
        "upstream-failed",
        failure.kind() == Kind.CONNECT
            ? "the model server cannot be reached"
            : "the model server gave no usable answer");
  }

  /** How a call ends because of a failure. */
  static Outcome outcome(UpstreamFailure failure, boolean answered) {
    return switch (failure.kind()) {
      case CONNECT_TIMEOUT, FIRST_BYTE_TIMEOUT, IDLE_TIMEOUT, TOTAL_TIMEOUT -> Outcome.TIMEOUT;
      case REQUEST_BODY -> Outcome.CLIENT_GONE;
      default -> answered ? Outcome.TRUNCATED : Outcome.UPSTREAM_FAILED;
    };
  }

  /** Writes a whole answer; only its head where the client asked with HEAD. */
  static void write(
      ClientResponse client, int status, HeaderMap fields, ByteBuffer body, boolean head) {
    client.head(status, fields);
    if (head) {
      client.end();
    } else {
      writeLast(client, body, false);
    }
  }

  /** Writes the last piece of an answer and ends it. */
  static void writeLast(ClientResponse client, ByteBuffer body, boolean flush) {
    client.write(
        body,
        flush,
        new ClientResponse.WriteCallback() {
          @Override
          public void written() {
            client.end();
          }

          @Override
          public void failed(Throwable cause) {
            client.abort();
          }
        });
  }
}
