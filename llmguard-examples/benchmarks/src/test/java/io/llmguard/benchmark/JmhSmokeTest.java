package io.llmguard.benchmark;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.benchmark.jmh.ChainBenchmark;
import io.llmguard.benchmark.jmh.GuardBenchmark;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;
import org.openjdk.jmh.runner.options.VerboseMode;

/**
 * Runs each benchmark for a moment, in this process: it measures nothing, and shows none broken.
 */
@Timeout(120)
class JmhSmokeTest {
  @Test
  void everyBenchmarkRuns() throws RunnerException {
    Set<String> run =
        new Runner(
                new OptionsBuilder()
                    .forks(0)
                    .warmupIterations(0)
                    .measurementIterations(1)
                    .measurementTime(TimeValue.milliseconds(50))
                    .shouldFailOnError(true)
                    .verbosity(VerboseMode.SILENT)
                    .build())
            .run().stream()
                .map(RunResult::getParams)
                .map(params -> params.getBenchmark())
                .collect(Collectors.toSet());
    assertThat(run)
        .isEqualTo(
            Stream.of(ChainBenchmark.class, GuardBenchmark.class)
                .flatMap(JmhSmokeTest::benchmarks)
                .collect(Collectors.toSet()));
  }

  private static Stream<String> benchmarks(Class<?> type) {
    return Arrays.stream(type.getMethods())
        .filter(method -> method.isAnnotationPresent(Benchmark.class))
        .map(Method::getName)
        .map(name -> type.getName() + "." + name);
  }
}
