package io.llmguard.wire;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.llmguard.Refusal;
import java.nio.charset.StandardCharsets;

/**
 * What goes to the client when an upstream's stream ends without its own end: an error in the
 * call's dialect, where the end alone would look like a whole answer.
 */
public final class StreamEnd {
  private static final byte[] NOTHING = {};

  /** Why a stream ended. */
  public enum Cause {
    /** The connection ended before the answer had. */
    TRUNCATED("upstream_truncated", "the upstream's answer ended before it was complete"),
    /** The upstream broke the connection or the protocol. */
    FAILED("upstream_failed", "the upstream failed in the middle of its answer"),
    /** A deadline passed. */
    TIMEOUT("upstream_timeout", "the upstream did not go on in time"),
    /** The answer reached a ceiling of the guard's. */
    CUT_OFF("answer_cut_off", "the answer reached a limit and was cut off"),
    /** The guard is stopping. */
    SHUTDOWN("shutting_down", "the gateway is shutting down");

    private final String code;
    private final String text;

    Cause(String code, String text) {
      this.code = code;
      this.text = text;
    }
  }

  private StreamEnd() {}

  /**
   * The bytes to write after those that have passed.
   *
   * @param operation what the call asked to do
   * @param meter the meter that has read all bytes that were written to the client
   * @param cause why the stream ended
   * @return a whole line or event, with line breaks before it that end a broken one; empty if the
   *     answer is no stream, has ended on its own, or has told an error already
   */
  public static byte[] after(Operation operation, ResponseMeter meter, Cause cause) {
    if (meter.finished() || meter.failed()) {
      return NOTHING;
    }
    String text =
        switch (meter.framing()) {
          case DOCUMENT -> "";
          case LINES -> (meter.atLineStart() ? "" : "\n") + line(cause.text);
          case EVENTS ->
              (meter.atLineStart() ? "\n" : "\n\n")
                  + event(operation, cause.code, cause.text, "api_error");
        };
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * The bytes to write after whole lines or events, where the guard refuses the rest of an answer.
   *
   * @param operation what the call asked to do
   * @param framing how the answer is divided
   * @param refusal why
   * @return a whole line or event; empty if the answer is no stream
   */
  public static byte[] refused(Operation operation, Framing framing, Refusal refusal) {
    String code = refusal.reason().replace('-', '_');
    String said = new String(JsonStringEncoder.getInstance().quoteAsString(refusal.detail()));
    String text =
        switch (framing) {
          case DOCUMENT -> "";
          case LINES -> line(said);
          case EVENTS -> event(operation, code, said, "invalid_request_error");
        };
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String line(String said) {
    return "{\"error\":\"" + said + "\"}\n";
  }

  private static String event(Operation operation, String code, String said, String type) {
    if (operation.dialect() == Dialect.ANTHROPIC) {
      return "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\""
          + type
          + "\",\"message\":\""
          + said
          + "\"}}\n\n";
    }
    if (operation == Operation.OPENAI_RESPONSES) {
      return "event: error\ndata: {\"type\":\"error\",\"code\":\""
          + code
          + "\",\"message\":\""
          + said
          + "\",\"param\":null}\n\n";
    }
    return "data: {\"error\":{\"message\":\""
        + said
        + "\",\"type\":\""
        + type
        + "\",\"param\":null,\"code\":\""
        + code
        + "\"}}\n\n";
  }
}
