package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.BufferLeaks;
import io.llmguard.testkit.RawHttp;
import io.netty.channel.ChannelOption;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
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

/** Many streams at once through a gateway of its own, and clients that hardly read. */
class ManyStreamsTest {
  private static final int STREAMS = 5_000;
  private static final int FEW = 500;
  private static final int SLOW = 10;
  private static final int LINES = 6;
  private static final Duration PACE = Duration.ofSeconds(2);
  private static final int ROUNDS = 3;
  private static final String CHAT = "{\"model\":\"m\",\"messages\":[],\"stream\":true}";
  private static final String FLOOD = "{\"model\":\"flood\",\"messages\":[],\"stream\":true}";

  private final AtomicLong flooded = new AtomicLong();
  private volatile Round round = new Round(0);

  /** Streams that begin together. */
  private static final class Round {
    private final int streams;
    private final AtomicLong active = new AtomicLong();
    private final Sinks.Empty<Void> allAreThere = Sinks.empty();

    Round(int streams) {
      this.streams = streams;
    }
  }

  /**
   * What came of a round: how long lines were under way, and how long it took from line to line of
   * a stream; the median of it, and what 99 of 100 do not exceed.
   */
  private record Result(Duration delay, Duration slowDelay, Duration pace, Duration slowPace) {
    static Result of(long[] delays, long[] paces) {
      Arrays.sort(delays);
      Arrays.sort(paces);
      return new Result(at(delays, 50), at(delays, 99), at(paces, 50), at(paces, 99));
    }

    private static Duration at(long[] sorted, int percent) {
      return Duration.ofNanos(sorted[(sorted.length - 1) * percent / 100]);
    }

    /** A stream goes at its upstream's pace, and its lines take no longer. */
    boolean isAsFastAs(Result other) {
      return slowPace.compareTo(other.slowPace.multipliedBy(5).dividedBy(4)) < 0
          && delay.compareTo(other.delay.multipliedBy(2).plus(PACE.dividedBy(8))) < 0;
    }

    @Override
    public String toString() {
      return "a line takes %d ms, 99 of 100 no more than %d ms; from line to line %d and %d ms"
          .formatted(delay.toMillis(), slowDelay.toMillis(), pace.toMillis(), slowPace.toMillis());
    }
  }

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
    Round now = round;
    Duration offset = Duration.ofMillis(ThreadLocalRandom.current().nextInt((int) PACE.toMillis()));
    return Flux.concat(
        Mono.fromSupplier(
            () -> {
              if (now.active.incrementAndGet() == now.streams) {
                now.allAreThere.tryEmitEmpty();
              }
              return line(false);
            }),
        now.allAreThere.asMono().cast(String.class),
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

  private final DisposableServer upstream =
      HttpServer.create()
          .option(ChannelOption.SO_BACKLOG, STREAMS)
          .host("127.0.0.1")
          .port(0)
          .handle(this::answer)
          .bindNow();
  private final ConnectionProvider connections =
      ConnectionProvider.builder("clients")
          .maxConnections(STREAMS)
          .pendingAcquireMaxCount(-1)
          .pendingAcquireTimeout(Duration.ofSeconds(60))
          .build();

  @AfterEach
  void close() {
    connections.dispose();
    upstream.disposeNow();
  }

  /** A machine that does something else for a while may slow any round: one of them has to hold. */
  @Test
  @Timeout(400)
  void someThatHardlyReadSlowNoneOfFiveThousand() throws Exception {
    try (Program gateway = Program.start(upstream.port(), "-Xmx512m")) {
      HttpClient client = gateway.client(connections);
      run(client, FEW);
      boolean held = false;
      for (int i = 0; i < ROUNDS && !held; i++) {
        Result without = run(client, STREAMS);
        Result with = beside(gateway, () -> run(client, STREAMS));
        System.out.printf(
            "%d streams alone: %s%nbeside %d that hardly read: %s%n", STREAMS, without, SLOW, with);
        held = with.isAsFastAs(without);
        assertThat(with.slowDelay).isLessThan(Duration.ofSeconds(60));
      }
      assertThat(held).as("as fast beside clients that hardly read").isTrue();
    }
  }

  /** Fewer, because it costs more to watch a buffer than to send it. */
  @Test
  @Timeout(200)
  void noBufferOfAStreamLeaksWhateverItsClientReads() throws Exception {
    try (Program gateway =
        Program.start(
            upstream.port(),
            "-Xmx512m",
            "-Dio.netty.leakDetection.level=paranoid",
            "-Dio.netty.customResourceLeakDetector=" + BufferLeaks.class.getName())) {
      HttpClient client = gateway.client(connections);
      beside(gateway, () -> run(client, FEW));
      assertThat(gateway.leaks()).isEqualTo("leaks []");
    }
  }

  /** Does this while there are clients that hardly read, and has these read on. */
  private Result beside(Program gateway, Callable<Result> work) throws Exception {
    flooded.set(0);
    List<RawHttp> slow = new ArrayList<>();
    try {
      for (int i = 0; i < SLOW; i++) {
        slow.add(flooded(gateway.port));
      }
      Result result = work.call();
      // what their sockets take, and no more
      assertThat(flooded.get()).isLessThan(SLOW * (32L << 20));
      for (RawHttp one : slow) {
        assertThat(one.readBytes(100_000)).hasSizeGreaterThanOrEqualTo(100_000);
      }
      return result;
    } finally {
      for (RawHttp one : slow) {
        one.close();
      }
    }
  }

  /** The gateway's program. */
  private record Program(Process process, BufferedReader out, int port) implements AutoCloseable {
    static Program start(int upstream, String... options) throws Exception {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(List.of(options));
      command.add("-XX:+ExitOnOutOfMemoryError");
      command.addAll(List.of("-cp", System.getProperty("java.class.path")));
      command.addAll(List.of(StreamsServer.class.getName(), "http://127.0.0.1:" + upstream));
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      String first = String.valueOf(out.readLine());
      assertThat(first).startsWith("port ");
      return new Program(process, out, Integer.parseInt(first.substring(5)));
    }

    HttpClient client(ConnectionProvider connections) {
      return HttpClient.create(connections).baseUrl("http://localhost:" + port);
    }

    String leaks() throws IOException {
      process.getOutputStream().write('?');
      process.getOutputStream().flush();
      return String.valueOf(out.readLine());
    }

    @Override
    public void close() throws IOException {
      assertThat(process.isAlive()).isTrue();
      process.destroyForcibly().onExit().join();
      out.close();
    }
  }

  /** A client that has read the beginning of an answer without end, and reads no more. */
  private static RawHttp flooded(int port) throws Exception {
    RawHttp client = RawHttp.over(slowSocket(port));
    client.post("/api/chat", FLOOD);
    assertThat(client.readHead().status()).isEqualTo(200);
    client.readBytes(10_000);
    return client;
  }

  private Result run(HttpClient client, int streams) throws Exception {
    round = new Round(streams);
    ConcurrentLinkedQueue<List<Line>> all = new ConcurrentLinkedQueue<>();
    ConcurrentLinkedQueue<Throwable> failures = new ConcurrentLinkedQueue<>();
    CountDownLatch ended = new CountDownLatch(streams);
    for (int i = 0; i < streams; i++) {
      stream(client)
          .collectList()
          .doFinally(end -> ended.countDown())
          .subscribe(all::add, failures::add);
    }
    assertThat(ended.await(120, TimeUnit.SECONDS)).as("all have ended").isTrue();
    assertThat(failures).isEmpty();
    assertThat(all).hasSize(streams).allSatisfy(lines -> assertThat(lines).hasSize(LINES));
    return Result.of(
        all.stream().flatMap(List::stream).mapToLong(Line::delay).toArray(),
        all.stream()
            // the first one does not wait for the others
            .mapToLong(lines -> (lines.get(LINES - 1).came - lines.get(1).came) / (LINES - 2))
            .toArray());
  }

  /** When a line was sent, and when it came. */
  private record Line(long sent, long came) {
    static Line of(String line) {
      int at = line.indexOf("\"at\":") + 5;
      return new Line(Long.parseLong(line.substring(at, line.indexOf(',', at))), System.nanoTime());
    }

    long delay() {
      return came - sent;
    }
  }

  /** The lines of one stream. */
  private static Flux<Line> stream(HttpClient client) {
    return client
        .headers(h -> h.set("Content-Type", "application/json"))
        .post()
        .uri("/api/chat")
        .send(ByteBufFlux.fromString(Mono.just(CHAT)))
        .response(
            (response, content) -> {
              if (response.status().code() != 200) {
                return Flux.<Line>error(new IllegalStateException(response.status().toString()));
              }
              return content
                  .asString()
                  .concatMapIterable(text -> text.lines().toList())
                  .map(Line::of);
            });
  }

  private static Socket slowSocket(int port) throws Exception {
    Socket socket = new Socket();
    socket.setReceiveBufferSize(8 << 10);
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    return socket;
  }
}
