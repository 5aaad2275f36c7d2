package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Exchange;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.RetryPolicy;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.routing.Cooldown;
import io.llmguard.upstream.routing.Deployment;
import io.llmguard.upstream.routing.DeploymentRouter;
import io.llmguard.upstream.routing.Queueing;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/**
 * Clients that leave while their call is with no upstream: none may be called for them afterwards,
 * and whoever comes next has their place. For servers that notice it at once.
 */
public abstract class RoutedDepartureContract extends DepartureTries {
  private static final Duration LONG = Duration.ofSeconds(30);

  private final List<SocketChannel> backlog = new ArrayList<>();
  private ServerSocket full;

  @Override
  protected Proxy proxy() throws Exception {
    full = new ServerSocket(0, 1, InetAddress.getLoopbackAddress());
    URI nobody = URI.create("http://127.0.0.1:" + full.getLocalPort());
    DeploymentRouter router =
        DeploymentRouter.builder(
                List.of(
                    Deployment.builder("one-at-a-time", local(), "one-at-a-time")
                        .maxParallel(1)
                        .build(),
                    Deployment.builder(
                            "never-accepted",
                            Upstream.builder("nobody", nobody, transport).build(),
                            "never-accepted")
                        .maxParallel(1)
                        .build()))
            .queueing(new Queueing(1, LONG, exchange -> 0))
            .cooldown(new Cooldown(1_000, Duration.ZERO, false))
            .build();
    return Proxy.builder(router)
        .retries(RetryPolicy.builder(1).waits(LONG, LONG).leastWait(LONG).build())
        .build();
  }

  @AfterEach
  void closeBacklog() throws IOException {
    for (SocketChannel channel : backlog) {
      channel.close();
    }
    full.close();
  }

  private RawHttp calling(String model) throws Exception {
    return connect()
        .post("/api/chat", "{\"model\":\"" + model + "\",\"messages\":[]}", authorization());
  }

  @Test
  void betweenTwoAttempts() throws Exception {
    int[] calls = {0};
    assertKnownSoon(
        way -> {
          calls[0]++;
          upstream.enqueue(Answer.status(503, "application/json", "{}"));
          Exchange before = latest();
          try (RawHttp client = calling("one-at-a-time")) {
            // without a place it would never be tried the first time
            Exchange call = callAfter(before);
            await(() -> call.failedAttempts().size() == 1);
            return untilSettled(client, way);
          }
        });
    assertAnswered(calls[0] + 1);
  }

  @Test
  void inTheQueueForADeployment() throws Exception {
    Gate gate = Gate.closed();
    upstream.enqueue(Answer.plain("application/json", "{}").gateBeforeHead(gate));
    try (RawHttp first = calling("one-at-a-time")) {
      gate.reached().get(20, TimeUnit.SECONDS);
      assertKnownSoon(
          way -> {
            await(() -> proxy.active() == 1);
            try (RawHttp client = calling("one-at-a-time")) {
              // there is one place in the queue: without it the call would be refused
              await(() -> proxy.active() == 2);
              return untilSettled(client, way);
            }
          });
      gate.open();
      assertThat(first.readHead().status()).isEqualTo(200);
      nextEnded();
    }
    assertAnswered(2);
  }

  /** The upstream is called once more, and then had so many calls in all. */
  private void assertAnswered(int requests) throws Exception {
    upstream.enqueue(Answer.plain("application/json", "{}"));
    try (RawHttp client = calling("one-at-a-time")) {
      assertThat(client.readHead().status()).isEqualTo(200);
    }
    assertThat(upstream.requests()).hasSize(requests);
  }

  /** Elsewhere a full backlog refuses; Linux leaves the caller waiting, as a firewall does. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void whileItConnects() throws Exception {
    for (int i = 0; i < 4; i++) {
      connecting();
    }
    assertKnownSoon(
        way -> {
          Exchange before = latest();
          try (RawHttp client = calling("never-accepted")) {
            Exchange call = callAfter(before);
            await(() -> call.upstream() != null);
            return untilSettled(client, way);
          }
        });
    assertNobodyCalls();
  }

  /**
   * Takes every connection that waits: nothing is said on any. One that was being made may stay, as
   * a client keeps it for the next call.
   */
  private void assertNobodyCalls() throws Exception {
    Set<Integer> own = new HashSet<>();
    for (SocketChannel channel : backlog) {
      own.add(channel.socket().getLocalPort());
    }
    full.setSoTimeout(20_000);
    SocketChannel last = connecting();
    for (boolean found = false; !found; ) {
      try (Socket accepted = full.accept()) {
        found = accepted.getPort() == last.socket().getLocalPort();
        if (!found && !own.contains(accepted.getPort())) {
          assertThat(said(accepted)).isEqualTo(-1);
        }
      }
    }
  }

  /** The first byte; -1 if there is none, at the end or for a while. */
  private static int said(Socket socket) throws IOException {
    socket.setSoTimeout(200);
    try {
      return socket.getInputStream().read();
    } catch (SocketTimeoutException e) {
      return -1;
    }
  }

  /** One more connection that nobody has accepted yet. */
  private SocketChannel connecting() throws IOException {
    SocketChannel channel = SocketChannel.open();
    backlog.add(channel);
    channel.configureBlocking(false);
    channel.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    channel.connect(full.getLocalSocketAddress());
    return channel;
  }
}
