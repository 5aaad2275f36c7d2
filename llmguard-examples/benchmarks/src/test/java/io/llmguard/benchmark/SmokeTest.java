package io.llmguard.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.benchmark.load.LoadGenerator;
import io.llmguard.benchmark.load.LoadResult;
import io.llmguard.benchmark.load.Plan;
import io.llmguard.benchmark.upstream.Payload;
import io.llmguard.benchmark.upstream.UpstreamServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class SmokeTest {
  private static final String KEY = "sk-smoke";

  @ParameterizedTest
  @EnumSource(Payload.class)
  void everyKindOfCallIsAnsweredWholeAndCounted(Payload payload) throws IOException {
    try (UpstreamServer upstream = UpstreamServer.start(KEY, Duration.ofMillis(1))) {
      Plan plan =
          new Plan(
              upstream.port(),
              payload,
              4,
              Duration.ofMillis(20),
              Duration.ofMillis(50),
              Duration.ofMillis(700));
      List<String> measured = new ArrayList<>();
      LoadGenerator generator = new LoadGenerator(plan, KEY);
      LoadResult result = generator.run(() -> measured.add("begin"));

      assertThat(generator.firstError()).isEmpty();
      assertThat(measured).hasSize(1);
      assertThat(result.errors()).isZero();
      assertThat(result.requests()).isPositive();
      assertThat(result.bodyBytes()).isGreaterThanOrEqualTo(result.requests());
      assertThat(result.firstByteP50()).isPositive().isLessThanOrEqualTo(result.latencyP50());
    }
  }

  @Test
  void aWrongAnswerIsAnError() throws IOException {
    try (UpstreamServer upstream = UpstreamServer.start(KEY, Duration.ZERO)) {
      int closed = Ports.free();
      Plan plan =
          new Plan(closed, Payload.PLAIN, 1, Duration.ZERO, Duration.ZERO, Duration.ofMillis(50));
      assertThat(upstream.port()).isNotEqualTo(closed);
      assertThat(new LoadGenerator(plan, KEY).run(() -> {}).errors()).isPositive();
    }
  }

  @Test
  void theCheckThatNginxAsksKnowsTheOneKey() throws IOException {
    try (UpstreamServer upstream = UpstreamServer.start(KEY, Duration.ZERO)) {
      assertThat(validate(upstream.port(), KEY)).startsWith("HTTP/1.1 204");
      assertThat(validate(upstream.port(), KEY + "x")).startsWith("HTTP/1.1 401");
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void aRunOfOneRoundPrintsItsTable() throws Exception {
    try (Child upstream = Child.self("upstream", "--key", KEY, "--pace-ms", "1");
        Child load = Child.self("load", "--key", KEY)) {
      Subject direct = new Subject.Direct(Nginx.port(upstream));
      Bench bench = new Bench(load, upstream, Duration.ofMillis(100));
      Map<Subject, List<Sample>> samples =
          bench.rounds(
              List.of(direct), Workload.plain(2), 1, Duration.ofMillis(50), Duration.ofMillis(300));
      Sample sample = samples.get(direct).get(0);
      assertThat(sample.requestsPerSecond()).isPositive();
      assertThat(sample.strangersShare()).isBetween(0.0, 1.0);
    }
  }

  private static String validate(int port, String key) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(20_000);
      String request = "GET /validate HTTP/1.0\r\nX-Api-Key: " + key + "\r\n\r\n";
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
    }
  }
}
