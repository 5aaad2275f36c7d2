package io.llmguard.ollama.observation;

import io.llmguard.ollama.CallObserver;
import io.llmguard.ollama.internal.Errors;
import io.micrometer.common.KeyValue;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import io.micrometer.observation.transport.SenderContext;
import java.util.HashMap;
import java.util.Map;

/**
 * Makes an observation {@code gen_ai.client.operation} of each call, with the names of
 * OpenTelemetry's GenAI conventions, and sends the trace's headers along where a tracer adds them.
 * Holds no prompt, no answer and no credential. Thread-safe.
 */
public final class CallObservations implements CallObserver {
  private final ObservationRegistry registry;

  /** For a client's builder. */
  public CallObservations(ObservationRegistry registry) {
    this.registry = registry;
  }

  @Override
  public Observed started(CallInfo call) {
    Map<String, String> headers = new HashMap<>();
    SenderContext<Map<String, String>> context =
        new SenderContext<>((carrier, name, value) -> headers.put(name, value));
    context.setCarrier(headers);
    String model = call.model() == null ? "" : call.model();
    Observation observation =
        Observation.createNotStarted("gen_ai.client.operation", () -> context, registry)
            .contextualName((call.operation() + " " + model).strip())
            .lowCardinalityKeyValue("gen_ai.operation.name", call.operation())
            .lowCardinalityKeyValue("gen_ai.provider.name", call.provider())
            .lowCardinalityKeyValue("gen_ai.request.model", orNone(model))
            .lowCardinalityKeyValue("server.address", String.valueOf(call.server().getHost()))
            .lowCardinalityKeyValue("server.port", String.valueOf(Errors.port(call.server())))
            .start();
    return new Observed() {
      @Override
      public Map<String, String> headers() {
        return Map.copyOf(headers);
      }

      @Override
      public void firstToken() {
        observation.event(Observation.Event.of("gen_ai.first_token"));
      }

      @Override
      public void ended(CallEnd end) {
        String answered = end.model() == null ? "" : end.model();
        String reason = end.finishReason() == null ? "" : end.finishReason();
        observation
            .lowCardinalityKeyValue("gen_ai.response.model", orNone(answered))
            .lowCardinalityKeyValue(
                "error.type",
                end.error() == null ? KeyValue.NONE_VALUE : end.error().getClass().getSimpleName())
            .highCardinalityKeyValue("gen_ai.response.finish_reasons", orNone(reason))
            .highCardinalityKeyValue("gen_ai.usage.input_tokens", String.valueOf(end.inputTokens()))
            .highCardinalityKeyValue(
                "gen_ai.usage.output_tokens", String.valueOf(end.outputTokens()));
        if (end.error() != null) {
          observation.error(end.error());
        }
        observation.stop();
      }
    };
  }

  private static String orNone(String value) {
    return value.isEmpty() ? KeyValue.NONE_VALUE : value;
  }
}
