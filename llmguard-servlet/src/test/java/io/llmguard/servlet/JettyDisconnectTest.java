package io.llmguard.servlet;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.ReceivedRequest;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Clients that leave Jetty over HTTP/1.1, at once noticed, and each call settled once. */
@Tag("jetty")
class JettyDisconnectTest extends DepartureTestBase {
  /** Longer than a call must be before its client is watched. */
  private static final Duration GROWN = Duration.ofMillis(100);

  /** How a client leaves. */
  enum Way {
    /** Closes its socket in good order. */
    CLOSE {
      @Override
      void leave(Client client) throws Exception {
        client.http().leave();
      }
    },
    /** Sends FIN and nothing before it. */
    VANISH {
      @Override
      void leave(Client client) throws Exception {
        client.vanish();
      }
    },
    /** Sends RST. */
    RESET {
      @Override
      void leave(Client client) throws Exception {
        client.reset();
      }
    },
    /** Says that it will send no more; for a server nothing tells this from a client that left. */
    HALF_CLOSE {
      @Override
      void leave(Client client) throws Exception {
        client.http().halfClose();
      }
    };

    abstract void leave(Client client) throws Exception;
  }

  static Stream<Arguments> ways() {
    return Stream.of(false, true)
        .flatMap(secure -> Arrays.stream(Way.values()).map(way -> Arguments.of(secure, way)));
  }

  @ParameterizedTest(name = "TLS {0}, {1}")
  @MethodSource("ways")
  void beforeTheFirstByte(boolean secure, Way way) throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeHead(gate));
    try (Client client = chatting(secure)) {
      gate.reached().get(20, TimeUnit.SECONDS);
      ReceivedRequest request = upstream.takeRequest();
      way.leave(client);
      request.cancelled().get(20, TimeUnit.SECONDS);
      Ended ended = nextEnded();
      assertThat(ended.outcome().word()).isEqualTo("client-gone");
      assertThat(ended.exchange().status()).isEqualTo(499);
    }
  }

  @ParameterizedTest(name = "TLS {0}, {1}")
  @MethodSource("ways")
  void betweenTwoPieces(boolean secure, Way way) throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(3, gate));
    try (Client client = chatting(secure)) {
      client.http().readHead();
      client.http().readBytes(CHAT.chunks().get(0).length);
      gate.reached().get(20, TimeUnit.SECONDS);
      ReceivedRequest request = upstream.takeRequest();
      way.leave(client);
      request.cancelled().get(20, TimeUnit.SECONDS);
      Ended ended = nextEnded();
      assertThat(ended.outcome().word()).isEqualTo("client-gone");
      assertThat(ended.exchange().status()).isEqualTo(200);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatAClientSendsAheadWhileItIsWatchedIsItsNextRequest(boolean secure) throws Exception {
    // more than one look, more than one TLS record, and bodies that must not lose a byte
    String body =
        "{\"model\":\"a\",\"stream\":false,\"messages\":[],\"x\":\"" + "y".repeat(40_000) + "\"}";
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(1, gate));
    upstream.enqueue(Answer.plain("application/json", "{}"));
    upstream.enqueue(Answer.replay(VERSION));
    try (Client client = chatting(secure)) {
      RawHttp http = client.http();
      http.readHead();
      http.readBytes(CHAT.chunks().get(0).length);
      gate.reached().get(20, TimeUnit.SECONDS);
      watched();
      http.post(CHAT.path(), body, authorization());
      http.get(VERSION.path(), authorization());
      gate.open();
      http.readBody();
      assertThat(http.end()).isEqualTo(RawHttp.End.COMPLETE);
      assertThat(http.readHead().status()).isEqualTo(200);
      assertThat(http.readText()).isEqualTo("{}");
      assertThat(http.readHead().status()).isEqualTo(200);
      assertThat(http.readBody()).isEqualTo(VERSION.responseBody());
      upstream.takeRequest();
      assertThat(upstream.takeRequest().bodyText()).isEqualTo(body);
      for (int i = 0; i < 3; i++) {
        assertThat(nextEnded().outcome().word()).isEqualTo("completed");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void halfARequestSentAheadIsCompletedLater(boolean secure) throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeHead(gate));
    try (Client client = chatting(secure)) {
      RawHttp http = client.http();
      gate.reached().get(20, TimeUnit.SECONDS);
      watched();
      http.send("GET /api/ver");
      gate.open();
      assertThat(http.readHead().status()).isEqualTo(200);
      http.readBody();
      http.send("sion HTTP/1.1\r\nHost: localhost\r\n" + authorization() + "\r\n\r\n");
      assertThat(http.readHead().status()).isEqualTo(200);
      assertThat(http.readBody()).isEqualTo(VERSION.responseBody());
      assertThat(nextEnded().outcome().word()).isEqualTo("completed");
      assertThat(nextEnded().outcome().word()).isEqualTo("completed");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aRequestThatCameTogetherWithTheOneBeforeIsAnswered(boolean secure) throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeHead(gate));
    try (Client client = open(secure)) {
      RawHttp http = client.http();
      String head =
          "POST %s HTTP/1.1\r\nHost: localhost\r\n%s\r\nContent-Length: %d\r\n\r\n"
              .formatted(CHAT.path(), authorization(), CHAT.body().length);
      http.send(
          head
              + CHAT.bodyText()
              + "GET /api/version HTTP/1.1\r\nHost: localhost\r\n"
              + authorization()
              + "\r\n\r\n");
      gate.reached().get(20, TimeUnit.SECONDS);
      watched();
      gate.open();
      assertThat(http.readHead().status()).isEqualTo(200);
      assertThat(http.readBody()).isEqualTo(CHAT.responseBody());
      assertThat(http.readHead().status()).isEqualTo(200);
      assertThat(http.readBody()).isEqualTo(VERSION.responseBody());
      assertThat(nextEnded().outcome().word()).isEqualTo("completed");
      assertThat(nextEnded().outcome().word()).isEqualTo("completed");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whoLeavesWithARequestSentAheadIsSettledOnceAtTheNextWrite(boolean secure) throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeChunk(1, gate));
    try (Client client = chatting(secure)) {
      RawHttp http = client.http();
      http.readHead();
      http.readSome();
      gate.reached().get(20, TimeUnit.SECONDS);
      watched();
      http.get("/api/ver");
      client.reset();
      gate.open();
      assertThat(nextEnded().outcome().word()).isEqualTo("client-gone");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aConnectionThatWasWatchedServesManyCallsMore(boolean secure) throws Exception {
    try (Client client = open(secure)) {
      RawHttp http = client.http();
      for (int i = 0; i < 20; i++) {
        // some calls are watched, some are over before, some end while the watch begins
        Answer answer = Answer.replay(CHAT).trickle(1500, Duration.ofMillis(i % 8));
        upstream.enqueue(answer);
        http.post(CHAT.path(), CHAT.bodyText(), authorization());
        assertThat(http.readHead().status()).isEqualTo(200);
        assertThat(http.readBody()).isEqualTo(CHAT.responseBody());
        assertThat(nextEnded().outcome().word()).isEqualTo("completed");
      }
    }
  }

  @Test
  void aClientThatLeavesAfterAWatchedCallDisturbsNobody() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.replay(CHAT).gateBeforeHead(gate));
    try (Client client = chatting(false)) {
      gate.reached().get(20, TimeUnit.SECONDS);
      watched();
      gate.open();
      client.http().readHead();
      assertThat(client.http().readBody()).isEqualTo(CHAT.responseBody());
      assertThat(nextEnded().outcome().word()).isEqualTo("completed");
      client.http().leave();
    }
    try (Client another = open(false)) {
      another.http().get(VERSION.path(), authorization());
      assertThat(another.http().readHead().status()).isEqualTo(200);
      assertThat(new String(another.http().readBody(), US_ASCII)).contains("version");
      assertThat(nextEnded().outcome().word()).isEqualTo("completed");
    }
  }

  /** Waits until the calls that are running are watched; what follows holds before that too. */
  private static void watched() {
    java.util.concurrent.CompletableFuture.runAsync(
            () -> {},
            java.util.concurrent.CompletableFuture.delayedExecutor(
                GROWN.toMillis(), TimeUnit.MILLISECONDS))
        .join();
  }
}
