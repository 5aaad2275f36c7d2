package io.llmguard.openai.internal;

import io.llmguard.ollama.ToolCall;
import io.llmguard.ollama.internal.Decoder;
import io.llmguard.ollama.internal.Fields;
import io.llmguard.ollama.internal.ObjectDecoder;
import io.llmguard.openai.OpenAiResponse;
import io.llmguard.openai.OpenAiUsage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Lines of server-sent events, of which only {@code data} means something here. */
final class EventDecoder implements Decoder<OpenAiResponse> {
  private static final byte[] DATA = "data:".getBytes(StandardCharsets.US_ASCII);

  /** A tool call that comes piece by piece. */
  private static final class ToolPieces {
    private @Nullable String id;
    private @Nullable String name;
    private final StringBuilder arguments = new StringBuilder();
  }

  /** The id of the event that {@code [DONE]} makes. */
  static final String DONE = "[DONE]";

  private final Decoder<OpenAiResponse> json = new ObjectDecoder<>(this::chunk);
  private final Map<Integer, ToolPieces> tools = new TreeMap<>();
  private String id = "";
  private String model = "";

  @Override
  public @Nullable OpenAiResponse decode(byte[] bytes, int from, int to) {
    if (bytes[from] == '{') {
      // an error that stands in the stream without a frame
      return json.decode(bytes, from, to);
    }
    if (!startsWith(bytes, from, to)) {
      return null;
    }
    int at = from + DATA.length;
    while (at < to && bytes[at] == ' ') {
      at++;
    }
    if (at == to) {
      return null;
    }
    if (bytes[at] == '[') {
      List<ToolCall> calls = new ArrayList<>();
      tools.forEach(
          (index, call) ->
              calls.add(OpenAiReplies.call(index, call.id, call.name, call.arguments.toString())));
      return new OpenAiResponse(DONE, model, "", null, calls, null, OpenAiUsage.NONE);
    }
    return json.decode(bytes, at, to);
  }

  private static boolean startsWith(byte[] bytes, int from, int to) {
    if (to - from < DATA.length) {
      return false;
    }
    for (int i = 0; i < DATA.length; i++) {
      if (bytes[from + i] != DATA[i]) {
        return false;
      }
    }
    return true;
  }

  private OpenAiResponse chunk(Fields fields) {
    List<Fields> choices = fields.list("choices", choice -> choice);
    String given = fields.text("id");
    id = given == null ? id : given;
    String named = fields.text("model");
    model = named == null ? model : named;
    if (choices.isEmpty()) {
      return new OpenAiResponse(id, model, "", null, List.of(), null, OpenAiReplies.usage(fields));
    }
    Fields choice = choices.get(0);
    Fields delta = choice.object("delta");
    String text = delta.text("content");
    for (OpenAiReplies.Piece piece : delta.list("tool_calls", OpenAiReplies::piece)) {
      ToolPieces call = tools.computeIfAbsent(piece.index(), index -> new ToolPieces());
      call.id = piece.id() == null ? call.id : piece.id();
      call.name = piece.name() == null ? call.name : piece.name();
      call.arguments.append(piece.arguments());
    }
    return new OpenAiResponse(
        id,
        model,
        text == null ? choice.textOrEmpty("text") : text,
        delta.text("reasoning_content"),
        List.of(),
        choice.text("finish_reason"),
        OpenAiReplies.usage(fields));
  }
}
