package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.HeaderMap;
import io.llmguard.testkit.Recording;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UsageEventFilterTest {
  private static String filtered(String text, int size) {
    AnswerTransform filter =
        Objects.requireNonNull(
            UsageEventFilter.of(200, new HeaderMap().add("Content-Type", "text/event-stream")));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    for (int at = 0; at < bytes.length; at += size) {
      add(out, filter.apply(ByteBuffer.wrap(bytes, at, Math.min(size, bytes.length - at))));
    }
    add(out, filter.end());
    return out.toString(StandardCharsets.UTF_8);
  }

  private static void add(ByteArrayOutputStream out, ByteBuffer bytes) {
    while (bytes.hasRemaining()) {
      out.write(bytes.get());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 100_000})
  void theEventThatWasNotAskedForIsTakenOutAndNothingElse(int size) {
    for (String name : new String[] {"openai-chat-stream-usage", "llamacpp-chat-stream-usage"}) {
      String with = Recording.of(name).responseText();
      String without = filtered(with, size);
      assertThat(without).doesNotContain("\"choices\":[]").contains("data: [DONE]");
      assertThat(without.length()).isLessThan(with.length());
      assertThat(filtered(without, size)).isEqualTo(without);
    }
    String plain = Recording.of("openai-chat-stream").responseText();
    assertThat(filtered(plain, size)).isEqualTo(plain);
    String text =
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"choices\\\":[] \\\"usage\\\"\"}}],"
            + "\"usage\":null}\r\n\r\n: comment\r\n\r\ndata: {\"choices\":[],\"usage\":{}}\r\n\r\n"
            + "data: [DONE]\r\n\r\ndata: cut";
    assertThat(filtered(text, size))
        .isEqualTo(text.replace("data: {\"choices\":[],\"usage\":{}}\r\n\r\n", ""));
  }
}
