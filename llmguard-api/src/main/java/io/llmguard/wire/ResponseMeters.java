package io.llmguard.wire;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Makes the meter that fits an answer. */
public final class ResponseMeters {
  private ResponseMeters() {}

  /**
   * The meter for an answer; {@link ResponseMeter#none()} where nothing is to be counted: for other
   * operations than generation, embedding, transcription and progress, for a status that is no
   * success, and for a body in a content coding.
   *
   * @param operation what the call asked to do
   * @param stream true if the call asked for a stream; decides where the content type does not
   * @param status the answer's status
   * @param contentType the answer's {@code Content-Type}, or null
   * @param contentEncoding the answer's {@code Content-Encoding}, or null
   */
  public static ResponseMeter meter(
      Operation operation,
      boolean stream,
      int status,
      @Nullable String contentType,
      @Nullable String contentEncoding) {
    AnswerShape shape = shape(operation);
    if (shape == null || status < 200 || status > 299 || status == 204 || coded(contentEncoding)) {
      return ResponseMeter.none();
    }
    Framing framing = framing(operation, stream, contentType);
    if (operation.kind() == Operation.Kind.TRANSCRIPTION) {
      // there it may be plain text or subtitles
      return isJson(contentType) ? new DocumentMeter(shape) : ResponseMeter.none();
    }
    return switch (framing) {
      case EVENTS -> new EventsMeter(shape);
      case LINES -> new LinesMeter(shape);
      case DOCUMENT ->
          new DocumentMeter(shape == AnswerShape.RESPONSES ? AnswerShape.OPENAI : shape);
    };
  }

  private static @Nullable AnswerShape shape(Operation operation) {
    return switch (operation) {
      case OLLAMA_GENERATE, OLLAMA_CHAT, OLLAMA_EMBED, OLLAMA_EMBEDDINGS, OLLAMA_PROGRESS ->
          AnswerShape.OLLAMA;
      case OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS, OPENAI_TRANSCRIPTIONS ->
          AnswerShape.OPENAI;
      case OPENAI_RESPONSES -> AnswerShape.RESPONSES;
      case ANTHROPIC_MESSAGES -> AnswerShape.ANTHROPIC;
      default -> null;
    };
  }

  private static boolean coded(@Nullable String contentEncoding) {
    return contentEncoding != null
        && !contentEncoding.isBlank()
        && !contentEncoding.strip().equalsIgnoreCase("identity");
  }

  /** How an answer to this call is divided, by its content type, else by what was asked. */
  public static Framing framing(Operation operation, boolean stream, @Nullable String contentType) {
    return switch (mediaType(contentType)) {
      case "text/event-stream" -> Framing.EVENTS;
      case "application/x-ndjson",
          "application/ndjson",
          "application/jsonl",
          "application/x-jsonlines" ->
          Framing.LINES;
      default -> {
        if (!stream || isJson(contentType)) {
          yield Framing.DOCUMENT;
        }
        yield operation.dialect() == Dialect.OLLAMA ? Framing.LINES : Framing.EVENTS;
      }
    };
  }

  private static boolean isJson(@Nullable String contentType) {
    String type = mediaType(contentType);
    return type.equals("application/json") || type.endsWith("+json");
  }

  private static String mediaType(@Nullable String contentType) {
    if (contentType == null) {
      return "";
    }
    int semicolon = contentType.indexOf(';');
    String type = semicolon < 0 ? contentType : contentType.substring(0, semicolon);
    return type.strip().toLowerCase(Locale.ROOT);
  }
}
