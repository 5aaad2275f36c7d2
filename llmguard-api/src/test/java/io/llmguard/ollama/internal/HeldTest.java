package io.llmguard.ollama.internal;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.Logprob;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.ToolCall;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What a stream without an end would pile up is bounded, whatever it is made of. */
class HeldTest {
  private static ChatResponse chat(
      Message message, List<Logprob> logprobs, Map<String, @Nullable Object> extra) {
    return new ChatResponse(
        "m", null, message, false, null, null, null, Metrics.NONE, logprobs, extra);
  }

  private static Message message(
      String content,
      @Nullable String thinking,
      List<ToolCall> calls,
      Map<String, @Nullable Object> extra) {
    return new Message("assistant", content, thinking, List.of(), calls, null, null, extra);
  }

  static Stream<ChatResponse> chunks() {
    Logprob logprob = new Logprob("x", -1, List.of(1), List.of());
    return Stream.of(
        chat(message("xxxxxxxxxx", null, List.of(), Map.of()), List.of(), Map.of()),
        chat(message("", "xxxxxxxxxx", List.of(), Map.of()), List.of(), Map.of()),
        chat(
            message("", null, List.of(new ToolCall("c", 0, "f", Map.of())), Map.of()),
            List.of(),
            Map.of()),
        chat(message("", null, List.of(), Map.of("a", List.of("b"))), List.of(), Map.of()),
        chat(message("", null, List.of(), Map.of()), List.of(logprob), Map.of()),
        chat(message("", null, List.of(), Map.of()), List.of(), Map.of("a", Map.of("b", 1))));
  }

  @ParameterizedTest
  @MethodSource("chunks")
  void aChatIsBounded(ChatResponse chunk) {
    ChatAssembler assembler = new ChatAssembler(new Held(10_000));
    assertThatCode(
            () -> {
              for (int i = 0; i < 20; i++) {
                assembler.add(chunk);
              }
            })
        .doesNotThrowAnyException();
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 1000; i++) {
                assembler.add(chunk);
              }
            })
        .isInstanceOf(OllamaException.Malformed.class)
        .hasMessageContaining("10000");
  }

  @ParameterizedTest
  @MethodSource("chunks")
  void aGenerationIsBounded(ChatResponse chunk) {
    GenerateAssembler assembler = new GenerateAssembler(new Held(10_000));
    Message message = chunk.message();
    GenerateResponse same =
        new GenerateResponse(
            "m",
            null,
            message.content(),
            message.thinking(),
            false,
            null,
            message.toolCalls(),
            List.of(),
            null,
            null,
            Metrics.NONE,
            chunk.logprobs(),
            message.extra().isEmpty() ? chunk.extra() : message.extra());
    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 1020; i++) {
                assembler.add(same);
              }
            })
        .isInstanceOf(OllamaException.Malformed.class);
  }
}
