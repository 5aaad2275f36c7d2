package io.llmguard.upstream.routing;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.jetty.JettyTransport;
import io.llmguard.upstream.routing.Availability.State;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class UpstreamProberTest {
  private static final String TAGS =
      "{\"models\":[{\"name\":\"gemma:latest\"},{\"name\":\"b:7b\"}]}";

  private final ReplayUpstream server = ReplayUpstream.start(List.of());
  private final UpstreamTransport transport =
      new JettyTransport(TransportSettings.builder().build());
  private final Upstream upstream =
      Upstream.builder("one", server.uri(), transport)
          .credential("Authorization", "Bearer own")
          .header("X-Team", "a")
          .build();
  private final UpstreamProber prober =
      new UpstreamProber(List.of(upstream), Duration.ofSeconds(10));
  private final BlockingQueue<Boolean> results = new LinkedBlockingQueue<>();

  UpstreamProberTest() {}

  @AfterEach
  void close() {
    prober.close();
    transport.close();
    server.close();
  }

  private boolean probe() throws Exception {
    prober.probe(upstream, (who, well) -> results.add(well)).get(20, TimeUnit.SECONDS);
    return results.take();
  }

  private void lists(Answer tags, Answer loaded) {
    server.on("GET", "/api/tags", tags).on("GET", "/api/ps", loaded);
  }

  @Test
  void knowsWhatAServerHasAndWhatItHasLoaded() throws Exception {
    assertThat(prober.of(upstream, "gemma")).isEqualTo(State.UNKNOWN);
    lists(
        Answer.plain("application/json", TAGS),
        Answer.plain("application/json", "{\"models\":[{\"name\":\"b:7b\"}]}"));
    assertThat(probe()).isTrue();
    assertThat(prober.of(upstream, "gemma")).isEqualTo(State.PRESENT);
    assertThat(prober.of(upstream, "gemma:latest")).isEqualTo(State.PRESENT);
    assertThat(prober.of(upstream, "b:7b")).isEqualTo(State.LOADED);
    assertThat(prober.of(upstream, "nobody")).isEqualTo(State.ABSENT);
    assertThat(prober.models(upstream)).containsExactly("gemma", "b:7b");
    var request = server.takeRequest();
    assertThat(request.header("Authorization")).hasValue("Bearer own");
    assertThat(request.header("X-Team")).hasValue("a");
  }

  @Test
  void nothingIsKnownOfAServerThatAnswersNonsenseOrNothing() throws Exception {
    lists(Answer.plain("application/json", TAGS), Answer.status(500, "text/plain", "no"));
    assertThat(probe()).isTrue();
    assertThat(prober.of(upstream, "gemma")).isEqualTo(State.PRESENT);
    for (String hostile : List.of("[]", "{\"models\":7}", "{\"models\":[{\"name\":", "x")) {
      lists(Answer.plain("application/json", hostile), Answer.plain("application/json", hostile));
      assertThat(probe()).isTrue();
      assertThat(prober.of(upstream, "gemma")).as(hostile).isEqualTo(State.UNKNOWN);
    }
    lists(Answer.status(500, "text/plain", "no"), Answer.closing());
    assertThat(probe()).isFalse();
    server.close();
    assertThat(probe()).isFalse();
  }

  @Test
  void aListWithoutEndIsNotReadToItsEnd() throws Exception {
    lists(
        Answer.bytes("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
            .repeat(
                "{\"models\":[],".repeat(1_000).getBytes(java.nio.charset.StandardCharsets.UTF_8),
                1_000_000),
        Answer.plain("application/json", TAGS));
    assertThat(probe()).isTrue();
    assertThat(prober.of(upstream, "gemma")).isEqualTo(State.UNKNOWN);
  }

  @Test
  void asksAgainAndAgain() throws Exception {
    lists(Answer.plain("application/json", TAGS), Answer.plain("application/json", TAGS));
    prober.start(Duration.ofMillis(5), (who, well) -> results.add(well));
    for (int i = 0; i < 3; i++) {
      assertThat(results.poll(20, TimeUnit.SECONDS)).isTrue();
    }
  }
}
