package io.llmguard.openai.internal;

import io.llmguard.ollama.ToolCall;
import io.llmguard.ollama.internal.Decoder;
import io.llmguard.ollama.internal.Fields;
import io.llmguard.ollama.internal.Held;
import io.llmguard.ollama.internal.ObjectDecoder;
import io.llmguard.openai.OpenAiResponse;
import io.llmguard.openai.OpenAiUsage;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Lines of server-sent events, of which only {@code data} means something here. */
final class EventDecoder implements Decoder<OpenAiResponse> {
  private static final byte[] DATA = "data:".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

  /** A tool call that comes piece by piece. */
  private static final class ToolPieces {
    private @Nullable String id;
    private @Nullable String name;
    private final StringBuilder arguments = new StringBuilder();
    private final Map<String, @Nullable Object> extra = new LinkedHashMap<>();
  }

  private final Decoder<OpenAiResponse> json = new ObjectDecoder<>(this::chunk);
  private final Map<Integer, ToolPieces> tools = new TreeMap<>();
  private final Held held = new Held();
  private String id = "";
  private String model = "";
  private @Nullable String finishReason;

  @Override
  public @Nullable OpenAiResponse decode(byte[] bytes, int from, int to) {
    if (bytes[from] == '{') {
      // an error that stands in the stream without a frame
      return json.decode(bytes, from, to);
    }
    if (to - from < DATA.length
        || !Arrays.equals(bytes, from, from + DATA.length, DATA, 0, DATA.length)) {
      return null;
    }
    int at = from + DATA.length;
    while (at < to && bytes[at] == ' ') {
      at++;
    }
    if (at == to) {
      return null;
    }
    return Arrays.equals(bytes, at, to, DONE, 0, DONE.length) ? end() : json.decode(bytes, at, to);
  }

  private OpenAiResponse end() {
    List<ToolCall> calls = new ArrayList<>();
    tools.forEach(
        (index, call) ->
            calls.add(
                OpenAiReplies.call(
                    index, call.id, call.name, call.arguments.toString(), call.extra)));
    return new OpenAiResponse(
        id, model, "", null, calls, finishReason, true, OpenAiUsage.NONE, Map.of());
  }

  private OpenAiResponse chunk(Fields fields) {
    List<Fields> choices = fields.list("choices", choice -> choice);
    String given = fields.text("id");
    id = given == null ? id : given;
    String named = fields.text("model");
    model = named == null ? model : named;
    if (choices.isEmpty()) {
      return new OpenAiResponse(
          id,
          model,
          "",
          null,
          List.of(),
          null,
          false,
          OpenAiReplies.usage(fields),
          OpenAiReplies.extra(fields, choices, "delta", fields));
    }
    Fields choice = choices.get(0);
    Fields delta = choice.object("delta");
    String text = delta.text("content");
    for (OpenAiReplies.Piece piece : delta.list("tool_calls", OpenAiReplies::piece)) {
      ToolPieces call = tools.computeIfAbsent(piece.index(), index -> new ToolPieces());
      call.id = piece.id() == null ? call.id : piece.id();
      call.name = piece.name() == null ? call.name : piece.name();
      held.add(piece.arguments().length());
      held.addValues(piece.extra());
      call.arguments.append(piece.arguments());
      call.extra.putAll(piece.extra());
    }
    String reason = choice.text("finish_reason");
    finishReason = reason == null ? finishReason : reason;
    return new OpenAiResponse(
        id,
        model,
        text == null ? choice.textOrEmpty("text") : text,
        OpenAiReplies.reasoning(delta),
        List.of(),
        reason,
        false,
        OpenAiReplies.usage(fields),
        OpenAiReplies.extra(fields, choices, "delta", delta));
  }
}
