package io.llmguard.ollama.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Recording;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class AnswerFormTest {
  static Stream<Recording> answers() {
    return Recording.all().stream()
        .filter(each -> !each.fromLlamaCpp() && each.status() == 200)
        .filter(each -> each.path().equals("/api/chat") || each.path().equals("/api/generate"));
  }

  @ParameterizedTest
  @MethodSource("answers")
  void whatWasReadIsWrittenAndReadAsTheSame(Recording recording) {
    AnswerForm<?> form =
        recording.path().equals("/api/chat") ? AnswerForm.CHAT : AnswerForm.GENERATE;
    ByteArrayOutputStream body = new ByteArrayOutputStream();
    body.writeBytes(recording.responseBody());
    List<String> lines = body.toString(StandardCharsets.UTF_8).lines().toList();
    assertThat(lines).isNotEmpty();
    lines.forEach(line -> same(form, line));
  }

  private static <E> void same(AnswerForm<E> form, String line) {
    byte[] bytes = line.getBytes(StandardCharsets.UTF_8);
    E answer = form.read(bytes, 0, bytes.length);
    byte[] written = form.bytes(answer);
    assertThat(form.read(written, 0, written.length)).isEqualTo(answer);
    assertThat(Json.object(written, 0, -1).keySet())
        .containsAll(Json.object(bytes, 0, -1).keySet());
  }

  @Test
  void everyFieldIsWritten() {
    String chat =
        "{\"model\":\"m\",\"created_at\":\"2026-02-03T04:05:06.123456789Z\",\"message\":{\"role\":"
            + "\"assistant\",\"content\":\"c\",\"thinking\":\"t\",\"images\":[\"AQI=\"],"
            + "\"tool_calls\":[{\"id\":\"i\",\"function\":{\"index\":1,\"name\":\"f\","
            + "\"arguments\":{\"a\":[1,2.5,null,true]},\"x\":1},\"y\":2}],\"tool_name\":\"n\","
            + "\"tool_call_id\":\"d\",\"more\":{\"z\":1}},\"done\":true,\"done_reason\":\"stop\","
            + "\"remote_model\":\"r\",\"remote_host\":\"h\",\"total_duration\":1,"
            + "\"load_duration\":2,\"prompt_eval_count\":3,\"prompt_eval_duration\":4,"
            + "\"eval_count\":5,\"eval_duration\":6,\"logprobs\":[{\"token\":\"t\",\"logprob\":-0.5,"
            + "\"bytes\":[116],\"top_logprobs\":[{\"token\":\"u\",\"logprob\":-1.5,\"bytes\":[117]}]"
            + "}],\"unknown\":\"kept\"}";
    same(AnswerForm.CHAT, chat);
    String generate =
        "{\"model\":\"m\",\"created_at\":\"2026-02-03T04:05:06Z\",\"response\":\"c\",\"thinking\":"
            + "\"t\",\"tool_calls\":[{\"function\":{\"index\":0,\"name\":\"f\",\"arguments\":{"
            + "\"b\":\"c\"}}}],\"context\":[1,2,3],\"done\":true,\"done_reason\":\"length\","
            + "\"eval_count\":5,\"unknown\":[1]}";
    same(AnswerForm.GENERATE, generate);
  }
}
