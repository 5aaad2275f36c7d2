package io.llmguard.examples.gateway.server;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.wire.Call;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The models that upstreams have answered for, where no configuration lists them: what may stand in
 * a metric. At most {@value #MOST} are kept, so that an upstream that takes any name opens no way
 * to endless metrics. Thread-safe.
 */
final class AnsweredModels implements Stage {
  static final int MOST = 100;

  private final Set<String> names = ConcurrentHashMap.newKeySet();

  Set<String> names() {
    return names;
  }

  @Override
  public String name() {
    return "answered-models";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    return exchange.admit();
  }

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    Call call = exchange.call();
    String model = call == null ? null : call.model();
    if (model != null
        && outcome.kind() == Outcome.Kind.COMPLETED
        && exchange.status() == 200
        && !names.contains(model)
        && names.size() < MOST) {
      names.add(model);
    }
  }
}
