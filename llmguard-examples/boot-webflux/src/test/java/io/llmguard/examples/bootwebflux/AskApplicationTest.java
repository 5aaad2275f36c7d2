package io.llmguard.examples.bootwebflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.BufferLeakWatch;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

@ExtendWith(BufferLeakWatch.class)
class AskApplicationTest {
  private static final String QUESTION = "Why is the sea salty?";

  @TempDir private Path folder;
  private ReplayUpstream upstream;
  private ConfigurableApplicationContext application;

  @BeforeEach
  void start() throws Exception {
    upstream = ReplayUpstream.start();
    application =
        new SpringApplicationBuilder(AskApplication.class)
            .run(
                "--server.port=0",
                "--server.shutdown=immediate",
                "--llmguard.data-dir=" + folder,
                "--llmguard.ceilings.output-tokens=64",
                "--ask.ollama=" + upstream.uri());
  }

  @AfterEach
  void stop() throws Exception {
    application.close();
    upstream.close();
  }

  private RawHttp.Head ask(RawHttp client, String path, String... headers) throws Exception {
    String[] all = List.of(headers).toArray(new String[headers.length + 1]);
    all[headers.length] = "Content-Type: text/plain";
    client.post(path, QUESTION, all);
    return client.readHead();
  }

  private RawHttp connect() throws Exception {
    return RawHttp.connect(
        Integer.parseInt(application.getEnvironment().getProperty("local.server.port")));
  }

  private String authorization() throws Exception {
    return "Authorization: Bearer " + Files.readString(folder.resolve("first-key.txt")).strip();
  }

  @Test
  void nobodyAsksWithoutAKey() throws Exception {
    try (RawHttp client = connect()) {
      assertThat(ask(client, "/api/ask").status()).isEqualTo(401);
      assertThat(upstream.requests()).isEmpty();
    }
  }

  @Test
  void aKeyAsksAndBothTheCallAndTheModelsCallAreAudited() throws Exception {
    upstream.enqueue(Answer.replay(Recording.of("chat-once")));
    String authorization = authorization();
    try (RawHttp client = connect()) {
      assertThat(ask(client, "/api/ask", authorization).status()).isEqualTo(200);
      assertThat(client.readText()).isNotEmpty();
    }
    assertThat(upstream.takeRequest().bodyText()).contains(QUESTION, "\"num_predict\":64");
    application.close();
    List<String> lines = Files.readAllLines(folder.resolve("audit.jsonl"));
    assertThat(lines).hasSize(2);
    assertThat(lines.get(0)).contains("\"/api/chat\"", "\"gemma3\"", "\"first key\"");
    assertThat(lines.get(1)).contains("\"/api/ask\"", "\"first key\"");
    assertThat(String.join("", lines)).doesNotContain(QUESTION);
  }

  @Test
  void whatTheGuardRefusesToTheModelIsToldToTheCaller() throws Exception {
    try (RawHttp client = connect()) {
      assertThat(ask(client, "/api/ask?model=kimi-k2:cloud", authorization()).status())
          .isEqualTo(403);
      assertThat(upstream.requests()).isEmpty();
    }
  }
}
