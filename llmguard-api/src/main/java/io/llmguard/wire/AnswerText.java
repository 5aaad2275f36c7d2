package io.llmguard.wire;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Keeps an answer's bytes, up to a bound, and tells what text was generated in them: for an
 * operator who keeps content. Used by one thread at a time.
 *
 * <p>The text is what an application shows of the first choice: no thinking, no tool calls. The
 * pieces of a stream are joined; what no longer fits, and what is not whole, is left out.
 */
public final class AnswerText {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Operation operation;
  private final Framing framing;
  private final int max;
  private final ByteArrayOutputStream kept = new ByteArrayOutputStream();

  private AnswerText(Operation operation, Framing framing, int max) {
    this.operation = operation;
    this.framing = framing;
    this.max = max;
  }

  /**
   * What keeps an answer's text.
   *
   * @param operation what the call asked to do
   * @param framing how the answer is divided
   * @param maxBytes how many of the answer's bytes are kept
   */
  public static AnswerText of(Operation operation, Framing framing, int maxBytes) {
    return new AnswerText(operation, framing, maxBytes);
  }

  /** Takes the next bytes and moves the position behind them. */
  public void accept(ByteBuffer bytes) {
    byte[] piece = new byte[Math.min(bytes.remaining(), max - kept.size())];
    bytes.get(piece);
    kept.writeBytes(piece);
    bytes.position(bytes.limit());
  }

  /** The text that was generated so far. */
  public String text() {
    String all = kept.toString(StandardCharsets.UTF_8);
    StringBuilder text = new StringBuilder();
    switch (framing) {
      case DOCUMENT -> read(all, text);
      case LINES -> all.lines().forEach(line -> read(line, text));
      case EVENTS ->
          all.lines()
              .filter(line -> line.startsWith("data:"))
              .forEach(line -> read(line.substring("data:".length()), text));
    }
    return text.toString();
  }

  private void read(String json, StringBuilder text) {
    JsonNode node;
    try {
      node = JSON.readTree(json);
    } catch (JsonProcessingException e) {
      // cut off at the bound or by the upstream, or the [DONE] of a stream
      return;
    }
    switch (operation.dialect()) {
      case OLLAMA -> {
        add(node.path("response"), text);
        add(node.path("message").path("content"), text);
      }
      case OPENAI -> openAi(node, text);
      case ANTHROPIC -> {
        add(node.path("delta").path("text"), text);
        node.path("content").forEach(part -> add(part.path("text"), text));
      }
      case PLAIN -> {}
    }
  }

  private void openAi(JsonNode node, StringBuilder text) {
    if (operation == Operation.OPENAI_RESPONSES) {
      // the events that end a part repeat its text
      if (node.path("type").asText().equals("response.output_text.delta")) {
        add(node.path("delta"), text);
      }
      node.path("output")
          .forEach(item -> item.path("content").forEach(part -> add(part.path("text"), text)));
      return;
    }
    add(node.path("text"), text);
    for (JsonNode choice : node.path("choices")) {
      if (choice.path("index").asInt() == 0) {
        add(choice.path("text"), text);
        add(choice.path("delta").path("content"), text);
        add(choice.path("message").path("content"), text);
      }
    }
  }

  private static void add(JsonNode value, StringBuilder text) {
    if (value.isTextual()) {
      text.append(value.textValue());
    }
  }
}
