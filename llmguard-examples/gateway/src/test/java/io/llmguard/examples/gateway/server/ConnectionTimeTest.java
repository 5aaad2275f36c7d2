package io.llmguard.examples.gateway.server;

import static io.llmguard.examples.gateway.server.RunningGateway.CHAT;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.net.URI;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How long connections may wait for the head of a call. */
@Timeout(60)
class ConnectionTimeTest {
  @TempDir private Path folder = Path.of("");

  private final ReplayUpstream upstream = ReplayUpstream.start();

  ConnectionTimeTest() {}

  private RunningGateway start() throws Exception {
    return RunningGateway.start(folder, RunningGateway.settings("limits: {head: 300ms}"), upstream);
  }

  private static RawHttp connect(RunningGateway gateway) throws Exception {
    return RawHttp.connect(URI.create(gateway.url()).getPort());
  }

  @Test
  void aConnectionWithoutACallAndOneAfterACallAreEnded() throws Exception {
    try (RunningGateway gateway = start()) {
      try (RawHttp silent = connect(gateway)) {
        assertThat(silent.closedByPeer()).isTrue();
      }
      try (RawHttp kept = connect(gateway)) {
        kept.get("/health/live");
        assertThat(kept.readHead().status()).isEqualTo(200);
        kept.readBody();
        assertThat(kept.closedByPeer()).isTrue();
      }
    }
  }

  @Test
  void aHeadThatComesByteByByteIsEnded() throws Exception {
    try (RunningGateway gateway = start();
        RawHttp client = connect(gateway)) {
      client.send("GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: ");
      boolean ended = false;
      client.socket().setSoTimeout(50);
      // each byte comes in time for the idle time-out; only their sum does not
      for (int i = 0; i < 200 && !ended; i++) {
        try {
          client.send("x");
          client.closedByPeer();
          ended = true; // it was closed, with or without an answer
        } catch (java.net.SocketTimeoutException e) {
          // it still stands
        } catch (java.io.IOException e) {
          ended = true;
        }
      }
      assertThat(ended).isTrue();
    }
  }

  @Test
  void aStreamMayBeSilentForLonger() throws Exception {
    Gate gate = Gate.closed();
    Recording stream = Recording.of("chat-stream");
    try (RunningGateway gateway = start();
        RawHttp client = connect(gateway)) {
      upstream.enqueue(Answer.replay(stream).gateBeforeChunk(2, gate));
      client.post("/api/chat", CHAT, "X-Api-Key: " + gateway.firstKey());
      assertThat(client.readHead().status()).isEqualTo(200);
      gate.reached().get(20, TimeUnit.SECONDS);
      // three connections that are ended one after the other are the clock
      for (int i = 0; i < 3; i++) {
        try (RawHttp silent = connect(gateway)) {
          assertThat(silent.closedByPeer()).isTrue();
        }
      }
      gate.open();
      assertThat(client.readText()).isEqualTo(stream.responseText());
      assertThat(client.end()).isEqualTo(RawHttp.End.COMPLETE);
    }
  }
}
