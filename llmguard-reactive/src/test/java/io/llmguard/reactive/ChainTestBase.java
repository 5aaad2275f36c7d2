package io.llmguard.reactive;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Reports;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebFilter;
import org.springframework.web.server.WebHandler;
import reactor.core.publisher.Mono;

/** An application of one handler behind filters. */
abstract class ChainTestBase {
  /** A call that has ended. */
  record Ended(Exchange exchange, Outcome outcome) {}

  private final Reports<Ended> ended = new Reports<>();
  private @Nullable NettyServer server;

  @AfterEach
  void stop() {
    NettyServer was = server;
    server = null;
    if (was != null) {
      was.close();
    }
  }

  void start(WebHandler handler, WebFilter... filters) {
    server = NettyServer.start(handler, filters);
  }

  RawHttp connect() throws IOException {
    if (server == null) {
      throw new IllegalStateException("not started");
    }
    return RawHttp.connect(server.port());
  }

  static DataBuffer bytes(ServerWebExchange exchange, String text) {
    return exchange.getResponse().bufferFactory().wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  static Mono<Void> answer(ServerWebExchange exchange, String text) {
    return exchange.getResponse().writeWith(Mono.fromSupplier(() -> bytes(exchange, text)));
  }

  static GuardWebFilter filter(Stage... stages) {
    Guard.Builder guard = Guard.builder();
    for (Stage stage : stages) {
      guard.stage(stage);
    }
    return new GuardWebFilter(guard.build());
  }

  /** A stage that lets every call pass and tells of its end. */
  Stage observer() {
    return stage("observer", Exchange::admit);
  }

  /** A stage that decides so and tells of the call's end. */
  Stage stage(String name, Function<Exchange, CompletionStage<Decision>> decide) {
    return new Stage() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public CompletionStage<Decision> decide(Exchange exchange) {
        return decide.apply(exchange);
      }

      @Override
      public void settle(Exchange exchange, Outcome outcome) {
        ended.add(new Ended(exchange, outcome));
      }
    };
  }

  Ended nextEnded() throws InterruptedException {
    return ended.next();
  }

  boolean nothingElseEnded() {
    return ended.isEmpty();
  }
}
