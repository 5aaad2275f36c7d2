package io.llmguard.benchmark.jmh;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.HeaderMap;
import io.llmguard.Outcome;
import io.llmguard.benchmark.upstream.Payload;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A call of 600 bytes of prompt through the whole chain: admitted, its answer reported, settled.
 * The stream's answer comes in 100 pieces.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(2)
@SuppressWarnings("NullAway.Init") // JMH calls setUp before anything else
public class GuardBenchmark {
  private DefaultGuard defaults;
  private Guard empty;
  private Call plain;
  private Call stream;

  /** A public constructor, as JMH wants one. */
  public GuardBenchmark() {}

  /** Makes the guards. */
  @Setup(Level.Trial)
  public void setUp() {
    defaults = new DefaultGuard();
    empty = Guard.builder().build();
    plain = Call.of(Payload.PLAIN, "application/json; charset=utf-8", defaults.apiKey());
    stream = Call.of(Payload.STREAM, "application/x-ndjson", defaults.apiKey());
  }

  /** Closes them. */
  @TearDown(Level.Trial)
  public void tearDown() {
    defaults.close();
    empty.close();
  }

  /** A guard without stages: what the engine itself costs. */
  @Benchmark
  public boolean noStages() {
    return plain.through(empty);
  }

  /** All default stages, a plain answer. */
  @Benchmark
  public boolean allStagesPlain() {
    return plain.through(defaults.guard());
  }

  /** All default stages, a stream of 100 chunks. */
  @Benchmark
  public boolean allStagesStream() {
    return stream.through(defaults.guard());
  }

  private record Call(BenchRequest request, HeaderMap head, List<ByteBuffer> answer) {
    static Call of(Payload payload, String contentType, String apiKey) {
      HeaderMap head = new HeaderMap();
      head.add("Content-Type", contentType);
      return new Call(
          new BenchRequest(payload.requestBody(), apiKey),
          head,
          payload.answerBody().stream().map(ByteBuffer::wrap).toList());
    }

    boolean through(Guard guard) {
      Decision decision = guard.admit(request).toCompletableFuture().join();
      if (!(decision instanceof Decision.Admit admit)) {
        throw new IllegalStateException("refused: " + decision);
      }
      Exchange exchange = admit.exchange();
      exchange.onResponseHead(200, head);
      for (int i = 0; i < answer.size(); i++) {
        exchange.onResponseBytes(answer.get(i));
      }
      return exchange.onComplete(Outcome.COMPLETED);
    }
  }
}
