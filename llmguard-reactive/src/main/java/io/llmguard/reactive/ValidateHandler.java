package io.llmguard.reactive;

import io.llmguard.reactive.internal.Conversation;
import io.llmguard.reactive.internal.ResponseWriter;
import io.llmguard.validate.Validation;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebHandler;
import reactor.core.publisher.Mono;

/**
 * Answers a reverse proxy that asks whether a call may pass, as {@link Validation} decides it.
 * Thread-safe.
 */
public final class ValidateHandler implements WebHandler {
  private final Validation validation;
  private final String path;

  /** A handler at {@code /validate} that gives these answers. */
  public ValidateHandler(Validation validation) {
    this(validation, "/validate");
  }

  /**
   * A handler that gives these answers.
   *
   * @param path where it stands in the application; what follows there in a path names the call in
   *     question to a proxy that has no other way
   */
  public ValidateHandler(Validation validation, String path) {
    this.validation = Objects.requireNonNull(validation);
    this.path = Objects.requireNonNull(path);
  }

  @Override
  public Mono<Void> handle(ServerWebExchange exchange) {
    return Mono.defer(() -> Mono.fromFuture(ask(new Conversation(exchange)), true))
        .flatMap(
            answer ->
                ResponseWriter.write(exchange.getResponse(), answer.status(), answer.headers()));
  }

  private CompletableFuture<Validation.Answer> ask(Conversation question) {
    if (!validation.blocking()) {
      return validation.ask(question, pathBelow(question)).toCompletableFuture();
    }
    question.mayBlock();
    return CompletableFuture.supplyAsync(
            () -> validation.ask(question, pathBelow(question)), Conversation.ELASTIC)
        .thenCompose(Function.identity());
  }

  private String pathBelow(Conversation question) {
    String asked = question.rawPath();
    return asked.startsWith(path) && asked.startsWith("/", path.length())
        ? asked.substring(path.length())
        : "";
  }
}
