package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.read.ListAppender;
import io.llmguard.openai.OpenAiClient;
import io.llmguard.openai.OpenAiRequest;
import io.llmguard.openai.OpenAiResponse;
import io.llmguard.openai.OpenAiUsage;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReplayUpstream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/** Planted secrets are in no text form, no log, no message and no stack trace. */
@Timeout(60)
class NeverShownTest {
  private static final String SECRET = "geheim";

  @Test
  void noTextFormHoldsAPromptOrAnAnswer() {
    Map<String, Object> extra = Map.of("x", SECRET);
    ToolCall call = new ToolCall("c", 0, "f", Map.of("x", SECRET), extra);
    Message message =
        new Message(
            "assistant",
            SECRET,
            SECRET,
            List.of(Image.of(SECRET.getBytes(StandardCharsets.UTF_8))),
            List.of(call),
            "f",
            "c",
            extra);
    Logprob token = new Logprob(SECRET, -1, List.of(), List.of(), extra);
    Logprob logprob = new Logprob(SECRET, -1, List.of(), List.of(token), extra);
    List<Object> all =
        List.of(
            message,
            call,
            logprob,
            ChatRequest.builder("m", List.of(message)).extra(extra).build(),
            GenerateRequest.builder("m")
                .prompt(SECRET)
                .system(SECRET)
                .suffix(SECRET)
                .template(SECRET)
                .extra(extra)
                .build(),
            EmbedRequest.builder("m", List.of(SECRET)).extra(extra).build(),
            EmbeddingsRequest.builder("m", SECRET).extra(extra).build(),
            CreateRequest.builder("m")
                .system(SECRET)
                .template(SECRET)
                .license(List.of(SECRET))
                .messages(List.of(message))
                .info(extra)
                .extra(extra)
                .build(),
            ShowRequest.builder("m").system(SECRET).template(SECRET).extra(extra).build(),
            PullRequest.builder("m").extra(extra).build(),
            PushRequest.builder("m").extra(extra).build(),
            new ChatResponse(
                "m",
                null,
                message,
                true,
                null,
                null,
                null,
                Metrics.NONE,
                List.of(logprob),
                Map.of("_debug_info", Map.of("rendered_template", SECRET))),
            new GenerateResponse(
                "m",
                null,
                SECRET,
                SECRET,
                true,
                null,
                List.of(call),
                List.of(),
                null,
                null,
                Metrics.NONE,
                List.of(logprob),
                extra),
            new DebugInfo(SECRET, 0, extra),
            new ShowResponse(
                null,
                SECRET,
                SECRET,
                SECRET,
                SECRET,
                null,
                null,
                new ModelDetails(null, null, null, List.of(), null, null, 0, 0, Map.of()),
                List.of(message),
                null,
                null,
                extra,
                extra,
                List.of(),
                List.of(),
                null,
                null,
                extra),
            OpenAiRequest.chat("m", List.of(message)).with("x", SECRET),
            OpenAiRequest.completion("m", SECRET),
            new OpenAiResponse(
                "1", "m", SECRET, SECRET, List.of(call), null, true, OpenAiUsage.NONE, extra),
            Credential.bearer(SECRET),
            Credential.apiKey(SECRET),
            new ChatMemory(10),
            new OllamaException.Truncated("cut", 200, SECRET));
    for (Object each : all) {
      assertThat(each.toString()).as(each.getClass().getSimpleName()).doesNotContain(SECRET);
      assertThat(String.valueOf(List.of(each))).doesNotContain(SECRET);
    }
  }

  @Test
  void noLogAndNoStackTraceOfAFailingCallHoldsASecret() throws Exception {
    Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    Level before = root.getLevel();
    ListAppender<ILoggingEvent> log = new ListAppender<>();
    log.start();
    root.addAppender(log);
    root.setLevel(Level.TRACE);
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
    System.setErr(new PrintStream(printed, true, StandardCharsets.UTF_8));
    StringWriter seen = new StringWriter();
    try {
      List<Throwable> failures = failures();
      assertThat(failures).doesNotContainNull().hasSize(24);
      for (Throwable failure : failures) {
        failure.printStackTrace(new PrintWriter(seen, true));
      }
    } finally {
      System.setOut(out);
      System.setErr(err);
      root.setLevel(before);
      root.detachAppender(log);
    }
    for (ILoggingEvent event : List.copyOf(log.list)) {
      seen.append(event.getLoggerName()).append(' ').append(event.getFormattedMessage());
      seen.append(String.valueOf(event.getMDCPropertyMap()));
      if (event.getThrowableProxy() != null) {
        seen.append(ThrowableProxyUtil.asString(event.getThrowableProxy()));
      }
    }
    assertThat(log.list).as("a retry is logged").isNotEmpty();
    assertThat(seen + printed.toString(StandardCharsets.UTF_8)).doesNotContain(SECRET);
  }

  private static List<Throwable> failures() throws Exception {
    String half = "{\"message\":{\"content\":\"" + SECRET + "\"},\"done\":false}\n";
    String type = "application/x-ndjson";
    List<Answer> answers =
        List.of(
            Answer.status(401, "application/json", "{\"error\":\"unauthorized\"}"),
            Answer.status(404, "application/json", "{\"error\":\"model 'm' not found\"}"),
            Answer.status(429, "application/json", "{\"error\":\"slow\"}"),
            Answer.status(500, "application/json", "{\"error\":\"no\"}"),
            Answer.status(503, "application/json", "{\"error\":\"busy\"}"),
            Answer.closing(),
            Answer.stream(type).chunk(half).endChunks(),
            Answer.stream(type).chunk(half).thenReset(),
            Answer.stream(type).chunk(half).chunk("{\"message\": " + SECRET + "}\n").endChunks(),
            Answer.stream(type).chunk(half).chunk("{\"" + SECRET + "\":[\n").endChunks(),
            Answer.stream(type).chunk(half).thenSilence(),
            Answer.bytes("SSH-2.0-" + "x\r\n\r\n").thenClose());
    List<Throwable> failures = new ArrayList<>();
    Timeouts limits = Timeouts.DEFAULT.withIdle(Duration.ofMillis(50));
    RetryPolicy retry = new RetryPolicy(2, Duration.ofMillis(1), Duration.ofMillis(2));
    for (Answer answer : answers) {
      try (ReplayUpstream upstream =
              ReplayUpstream.start(List.of())
                  .on("POST", "/api/chat", answer)
                  .on("POST", "/v1/completions", answer);
          OllamaClient client =
              OllamaClient.builder()
                  .baseUrl(upstream.uri().toString())
                  .credential(Credential.bearer("sk-" + SECRET))
                  .header("X-Team", SECRET)
                  .timeouts(limits)
                  .retry(retry)
                  .build();
          OpenAiClient other =
              OpenAiClient.builder(upstream.uri().toString())
                  .credential(Credential.apiKey("sk-" + SECRET))
                  .header("X-Team", SECRET)
                  .timeouts(limits)
                  .retry(retry)
                  .build()) {
        failures.add(
            catchThrowable(
                () -> {
                  try (var stream = client.chatStream(ChatRequest.of("m", SECRET))) {
                    stream.result();
                  }
                }));
        failures.add(
            catchThrowable(
                () -> {
                  try (var stream = other.completeStream(OpenAiRequest.completion("m", SECRET))) {
                    stream.result();
                  }
                }));
      }
    }
    return failures;
  }
}
