package io.llmguard.metrics;

import io.llmguard.Outcome;
import io.llmguard.wire.Operation;
import io.micrometer.core.instrument.DistributionSummary;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;

/** The meters of one model and one operation. */
final class GenAiMeters {
  private static final double[] DURATIONS = {
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92
  };
  private static final double[] TOKENS = {
    1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864
  };
  private static final String[] ERRORS = {
    "none", "client-gone", "upstream-failed", "truncated", "timeout", "4xx", "5xx"
  };

  final Timer firstChunk;
  final DistributionSummary inputTokens;
  final DistributionSummary outputTokens;

  private final MeterRegistry registry;
  private final Tags tags;
  private final AtomicReferenceArray<@Nullable Timer> durations =
      new AtomicReferenceArray<>(ERRORS.length);

  GenAiMeters(MeterRegistry registry, Operation operation, String model) {
    this.registry = registry;
    tags =
        Tags.of(
            MeterTag.GEN_AI_OPERATION.key(),
            nameOf(operation),
            MeterTag.GEN_AI_PROVIDER.key(),
            operation.dialect().name().toLowerCase(Locale.ROOT),
            MeterTag.GEN_AI_MODEL.key(),
            model);
    firstChunk = timer(MeterName.GEN_AI_TIME_TO_FIRST_CHUNK, tags);
    inputTokens = tokens("input");
    outputTokens = tokens("output");
  }

  private static String nameOf(Operation operation) {
    if (operation == Operation.OLLAMA_GENERATE || operation == Operation.OPENAI_COMPLETIONS) {
      return "text_completion";
    }
    String name = operation.kind().genAiName();
    return name == null ? "other" : name;
  }

  /** How long calls took that ended so. */
  Timer duration(Outcome.Kind kind, int status) {
    int error = errorOf(kind, status);
    Timer timer = durations.get(error);
    if (timer == null) {
      timer = timer(MeterName.GEN_AI_DURATION, tags.and(MeterTag.ERROR_TYPE.key(), ERRORS[error]));
      durations.set(error, timer);
    }
    return timer;
  }

  private static int errorOf(Outcome.Kind kind, int status) {
    return switch (kind) {
      case CLIENT_GONE -> 1;
      case UPSTREAM_FAILED -> 2;
      case TRUNCATED -> 3;
      case TIMEOUT -> 4;
      case COMPLETED, REFUSED -> status >= 500 ? 6 : status >= 400 ? 5 : 0;
    };
  }

  private Timer timer(MeterName name, Tags with) {
    return Timer.builder(name.meter())
        .description(name.description())
        .tags(with)
        .serviceLevelObjectives(
            DoubleStream.of(DURATIONS)
                .mapToObj(seconds -> Duration.ofMillis(Math.round(seconds * 1000)))
                .toArray(Duration[]::new))
        .register(registry);
  }

  private DistributionSummary tokens(String type) {
    return DistributionSummary.builder(MeterName.GEN_AI_TOKENS.meter())
        .description(MeterName.GEN_AI_TOKENS.description())
        .baseUnit("token")
        .tags(tags.and(MeterTag.GEN_AI_TOKEN_TYPE.key(), type))
        .serviceLevelObjectives(TOKENS)
        .register(registry);
  }
}
