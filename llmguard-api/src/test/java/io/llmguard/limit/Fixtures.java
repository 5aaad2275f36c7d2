package io.llmguard.limit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.Call;
import io.llmguard.wire.Operation;
import io.llmguard.wire.PromptDigest;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Stages that stand in for authentication and body reading, and short ways to ask a guard. */
final class Fixtures {
  private Fixtures() {}

  static Stage prepare(Consumer<Exchange> setUp) {
    return stage(
        exchange -> {
          setUp.accept(exchange);
          return exchange.admit();
        });
  }

  static Stage refuse(int status) {
    return stage(exchange -> exchange.refuse(Refusal.of(status, "later", "a later stage")));
  }

  private static Stage stage(
      java.util.function.Function<Exchange, CompletionStage<Decision>> decide) {
    return new Stage() {
      @Override
      public String name() {
        return "fixture";
      }

      @Override
      public CompletionStage<Decision> decide(Exchange exchange) {
        return decide.apply(exchange);
      }
    };
  }

  static Caller caller(String id, LimitSet limits) {
    return Caller.builder(Caller.Kind.API_KEY, id).limits(limits).build();
  }

  static Call chat(@Nullable String model, long promptLength, @Nullable Long maxOutput) {
    return new Call(
        Operation.OLLAMA_CHAT, model, true, new PromptDigest("0", promptLength), maxOutput);
  }

  static Decision ask(Guard guard, String peer) {
    return guard.admit(TestRequest.of("POST", "/api/chat").peer(peer)).toCompletableFuture().join();
  }

  static Decision ask(Guard guard) {
    return ask(guard, "127.0.0.1");
  }

  static Exchange admitted(Decision decision) {
    assertThat(decision).isInstanceOf(Decision.Admit.class);
    return ((Decision.Admit) decision).exchange();
  }

  static Refusal refused(Decision decision) {
    assertThat(decision).isInstanceOf(Decision.Refuse.class);
    return ((Decision.Refuse) decision).refusal();
  }
}
