package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** What is tried again, where, and what is not. */
@Timeout(30)
class RetryTest {
  private static final ChatRequest REQUEST = ChatRequest.of("m", "hi");
  private static final RetryPolicy QUICK =
      new RetryPolicy(3, Duration.ofMillis(2), Duration.ofMillis(20));

  private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
  private final OllamaClient client =
      OllamaClient.builder().baseUrl(upstream.uri().toString()).retry(QUICK).build();

  @AfterEach
  void close() {
    client.close();
    upstream.close();
  }

  private static Answer says(String content) {
    return Answer.plain(
        "application/json",
        "{\"message\":{\"role\":\"assistant\",\"content\":\"" + content + "\"},\"done\":true}");
  }

  private static Answer status(int status) {
    return Answer.status(status, "application/json", "{\"error\":\"no\"}");
  }

  private static Named<Consumer<OllamaClient>> call(String name, Consumer<OllamaClient> call) {
    return Named.of(name, call);
  }

  static Stream<Arguments> cases() {
    Stream.Builder<Arguments> cases = Stream.builder();
    for (Named<Consumer<OllamaClient>> reads :
        List.of(
            call("chat", c -> c.chat(REQUEST)),
            call("list", OllamaClient::list),
            call("embed", c -> c.embed(EmbedRequest.of("m", "x"))))) {
      for (int status : new int[] {429, 502, 503, 504}) {
        cases.add(Arguments.of(reads, status, 3));
      }
      for (int status : new int[] {400, 401, 403, 404, 500, 501}) {
        cases.add(Arguments.of(reads, status, 1));
      }
    }
    for (Named<Consumer<OllamaClient>> changes :
        List.of(
            call("copy", c -> c.copy("a", "b")),
            call("delete", c -> c.delete("a")),
            call("pull", c -> c.pull(PullRequest.of("m"))),
            call("push", c -> c.push(PushRequest.of("m"))),
            call("create", c -> c.create(CreateRequest.builder("m").from("b").build())))) {
      for (int status : new int[] {429, 503}) {
        cases.add(Arguments.of(changes, status, 3));
      }
      for (int status : new int[] {400, 500, 502, 504}) {
        cases.add(Arguments.of(changes, status, 1));
      }
    }
    return cases.build();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void aRefusalIsTriedAgainWhereThatIsSafe(Consumer<OllamaClient> call, int status, int attempts) {
    for (int i = 0; i < 3; i++) {
      upstream.enqueue(status(status));
    }
    assertThatThrownBy(() -> call.accept(client))
        .isInstanceOfSatisfying(
            OllamaException.class, e -> assertThat(e.status()).isEqualTo(status));
    assertThat(upstream.requests()).hasSize(attempts);
  }

  @Test
  void aStreamIsTriedAgainUntilItsFirstByte() {
    Recording recording = Recording.of("chat-stream");
    upstream.enqueue(Answer.closing());
    upstream.enqueue(status(503));
    upstream.enqueue(Answer.replay(recording));
    try (var stream = client.chatStream(REQUEST)) {
      assertThat(stream.result().metrics().evalCount()).isEqualTo(60);
    }
    assertThat(upstream.requests()).hasSize(3);
  }

  @Test
  void anObserverHearsOfOneCallHoweverOftenItIsTried() {
    AtomicInteger begun = new AtomicInteger();
    AtomicInteger ended = new AtomicInteger();
    try (OllamaClient observed =
        OllamaClient.builder()
            .baseUrl(upstream.uri().toString())
            .retry(QUICK)
            .observer(
                call -> {
                  begun.incrementAndGet();
                  return end -> ended.incrementAndGet();
                })
            .build()) {
      upstream.enqueue(status(503));
      upstream.enqueue(says("ok"));
      assertThat(observed.chat(REQUEST).text()).isEqualTo("ok");
    }
    assertThat(begun).hasValue(1);
    assertThat(ended).hasValue(1);
  }

  private static URI dead() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return URI.create("http://127.0.0.1:" + socket.getLocalPort());
    }
  }

  @Test
  void theServerThatWorkedIsAskedFirstFromThenOn() throws Exception {
    AtomicInteger attempts = new AtomicInteger();
    try (OllamaClient several =
        OllamaClient.builder()
            .baseUrls(List.of(dead(), upstream.uri()))
            .credential(
                () -> {
                  attempts.incrementAndGet();
                  return null;
                })
            .build()) {
      upstream.enqueue(says("one"));
      upstream.enqueue(says("two"));
      assertThat(several.chat(REQUEST).text()).isEqualTo("one");
      assertThat(attempts).hasValue(2);
      assertThat(several.chat(REQUEST).text()).isEqualTo("two");
      assertThat(attempts).hasValue(3);
    }
  }

  @Test
  void aBusyServerLeavesTheCallToTheNext() {
    try (ReplayUpstream second = ReplayUpstream.start(List.of());
        OllamaClient several =
            OllamaClient.builder().baseUrls(List.of(upstream.uri(), second.uri())).build()) {
      upstream.enqueue(status(503));
      second.enqueue(says("one"));
      second.enqueue(says("two"));
      assertThat(several.chat(REQUEST).text()).isEqualTo("one");
      assertThat(several.chat(REQUEST).text()).isEqualTo("two");
      assertThat(upstream.requests()).hasSize(1);
    }
  }

  @Test
  void allServersAreAskedBeforeTheCallFails() throws Exception {
    try (OllamaClient several =
        OllamaClient.builder()
            .baseUrls(List.of(dead(), dead(), dead(), upstream.uri()))
            .retry(RetryPolicy.NONE)
            .build()) {
      upstream.enqueue(says("one"));
      assertThat(several.chat(REQUEST).text()).isEqualTo("one");
    }
  }
}
