package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.RawHttp;
import io.netty.channel.ChannelOption;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Publisher;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.publisher.Sinks;
import reactor.netty.ByteBufFlux;
import reactor.netty.DisposableServer;
import reactor.netty.http.client.HttpClient;
import reactor.netty.http.server.HttpServer;
import reactor.netty.http.server.HttpServerRequest;
import reactor.netty.http.server.HttpServerResponse;
import reactor.netty.resources.ConnectionProvider;

/** Many streams at once through a gateway with a small heap, and one client that hardly reads. */
class ManyStreamsTest {
  private static final int STREAMS = 5_000;
  private static final int LINES = 6;
  private static final Duration PACE = Duration.ofSeconds(1);
  private static final String CHAT = "{\"model\":\"m\",\"messages\":[],\"stream\":true}";
  private static final String FLOOD = "{\"model\":\"flood\",\"messages\":[],\"stream\":true}";

  private final AtomicLong active = new AtomicLong();
  private final Sinks.Empty<Void> allAreThere = Sinks.empty();
  private final AtomicLong flooded = new AtomicLong();

  private Publisher<Void> answer(HttpServerRequest request, HttpServerResponse response) {
    return request
        .receive()
        .aggregate()
        .asString()
        .flatMap(
            body -> {
              response.header("Content-Type", "application/x-ndjson");
              Flux<String> lines = body.contains("flood") ? flood() : paced();
              return response.send(ByteBufFlux.fromString(lines), each -> true).then();
            });
  }

  /** One line at once, the others from when all streams are there, spread over time. */
  private Flux<String> paced() {
    Duration offset = Duration.ofMillis(ThreadLocalRandom.current().nextInt(1000));
    return Flux.concat(
        Mono.fromSupplier(
            () -> {
              if (active.incrementAndGet() == STREAMS) {
                allAreThere.tryEmitEmpty();
              }
              return line(false);
            }),
        allAreThere.asMono().cast(String.class),
        Flux.interval(offset, PACE)
            .onBackpressureBuffer()
            .take(LINES - 1)
            .map(i -> line(i == LINES - 2)));
  }

  private static String line(boolean last) {
    return "{\"model\":\"m\",\"at\":" + System.nanoTime() + ",\"done\":" + last + "}\n";
  }

  private Flux<String> flood() {
    String line = "{\"model\":\"flood\",\"x\":\"" + "x".repeat(64 << 10) + "\",\"done\":false}\n";
    return Flux.<String>generate(
        sink -> {
          flooded.addAndGet(line.length());
          sink.next(line);
        });
  }

  @Test
  @Timeout(180)
  void oneThatHardlyReadsSlowsNoneOfFiveThousand() throws Exception {
    DisposableServer upstream =
        HttpServer.create()
            .option(ChannelOption.SO_BACKLOG, STREAMS)
            .host("127.0.0.1")
            .port(0)
            .handle(this::answer)
            .bindNow();
    ConnectionProvider connections =
        ConnectionProvider.builder("clients")
            .maxConnections(STREAMS)
            .pendingAcquireMaxCount(-1)
            .pendingAcquireTimeout(Duration.ofSeconds(60))
            .build();
    Process gateway = start("http://127.0.0.1:" + upstream.port());
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(gateway.getInputStream(), StandardCharsets.UTF_8))) {
      String first = String.valueOf(out.readLine());
      assertThat(first).startsWith("port ");
      int port = Integer.parseInt(first.substring(5));

      try (RawHttp slow = RawHttp.over(slowSocket(port))) {
        slow.post("/api/chat", FLOOD);
        assertThat(slow.readHead().status()).isEqualTo(200);
        slow.readBytes(10_000);

        HttpClient client = HttpClient.create(connections).baseUrl("http://localhost:" + port);
        ConcurrentLinkedQueue<Long> delays = new ConcurrentLinkedQueue<>();
        ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
        CountDownLatch ended = new CountDownLatch(STREAMS);
        for (int i = 0; i < STREAMS; i++) {
          stream(client).doFinally(end -> ended.countDown()).subscribe(delays::add, failures::add);
        }
        assertThat(ended.await(150, TimeUnit.SECONDS)).as("all have ended").isTrue();

        assertThat(failures).isEmpty();
        assertThat(delays).hasSize(STREAMS * LINES);
        long[] sorted = delays.stream().mapToLong(Long::longValue).sorted().toArray();
        System.out.printf(
            "%d streams: a line's way through the gateway, median %d ms, 99 of 100 below %d ms%n",
            STREAMS,
            TimeUnit.NANOSECONDS.toMillis(sorted[sorted.length / 2]),
            TimeUnit.NANOSECONDS.toMillis(sorted[sorted.length * 99 / 100]));
        assertThat(Duration.ofNanos(sorted[sorted.length * 99 / 100]))
            .isLessThan(Duration.ofSeconds(15));
        // what its sockets take, and no more
        assertThat(flooded.get()).isLessThan(32L << 20);
        assertThat(slow.readBytes(100_000)).hasSizeGreaterThanOrEqualTo(100_000);
      }
      assertThat(gateway.isAlive()).isTrue();
    } finally {
      gateway.destroyForcibly().waitFor();
      connections.dispose();
      upstream.disposeNow();
    }
  }

  /** The delays of the lines of one stream. */
  private static Flux<Long> stream(HttpClient client) {
    return client
        .headers(h -> h.set("Content-Type", "application/json"))
        .post()
        .uri("/api/chat")
        .send(ByteBufFlux.fromString(Mono.just(CHAT)))
        .response(
            (response, content) -> {
              if (response.status().code() != 200) {
                return Flux.<Long>error(new IllegalStateException(response.status().toString()));
              }
              return content
                  .asString()
                  .concatMapIterable(text -> text.lines().toList())
                  .map(ManyStreamsTest::delay);
            });
  }

  private static long delay(String line) {
    int at = line.indexOf("\"at\":") + 5;
    return System.nanoTime() - Long.parseLong(line.substring(at, line.indexOf(',', at)));
  }

  private static Socket slowSocket(int port) throws Exception {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(8 << 10);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    return socket;
  }

  private static Process start(String upstream) throws Exception {
    List<String> command =
        Arrays.asList(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx512m",
            "-XX:+ExitOnOutOfMemoryError",
            "-cp",
            System.getProperty("java.class.path"),
            StreamsServer.class.getName(),
            upstream);
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }
}
