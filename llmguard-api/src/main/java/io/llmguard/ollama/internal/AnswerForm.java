package io.llmguard.ollama.internal;

import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.GenerateResponse;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A kind of generation's answer as the JSON that it is, for whoever looks at what it says.
 *
 * @param json its members by the server's names
 * @param decoder reads it, anew for each answer
 * @param assembler puts the pieces of one together, anew for each answer
 * @param <E> the answer, and a piece of it
 */
public record AnswerForm<E>(
    Function<E, Map<String, @Nullable Object>> json,
    Supplier<Decoder<E>> decoder,
    Supplier<Assembler<E, E>> assembler) {
  /** Answers of {@code /api/chat}. */
  public static final AnswerForm<ChatResponse> CHAT =
      new AnswerForm<>(Bodies::of, ChatDecoder::new, ChatAssembler::new);

  /** Answers of {@code /api/generate}. */
  public static final AnswerForm<GenerateResponse> GENERATE =
      new AnswerForm<>(Bodies::of, GenerateDecoder::new, GenerateAssembler::new);

  /** The answer as UTF-8 JSON. */
  public byte[] bytes(E answer) {
    return Json.bytes(json.apply(answer));
  }

  /** What {@link #bytes} has written, or what became of it. */
  public E read(byte[] bytes, int from, int to) {
    E answer = decoder.get().decode(bytes, from, to);
    if (answer == null) {
      throw new IllegalArgumentException("no answer");
    }
    return answer;
  }
}
