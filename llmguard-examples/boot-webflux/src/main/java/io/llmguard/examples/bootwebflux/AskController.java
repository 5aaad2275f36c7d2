package io.llmguard.examples.bootwebflux;

import io.llmguard.auth.Caller;
import io.llmguard.auth.CurrentCaller;
import io.llmguard.inprocess.CallRefusedException;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.reactive.ollama.GuardedReactiveOllamaClient;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.ExceptionHandler;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Takes questions. */
@RestController
class AskController {
  private final OllamaClient ollama;
  private final InProcessGuard guard;

  AskController(OllamaClient ollama, InProcessGuard guard) {
    this.ollama = ollama;
    this.guard = guard;
  }

  @PostMapping("/api/ask")
  Mono<String> ask(
      @CurrentCaller Caller caller,
      @RequestParam(defaultValue = "gemma3") String model,
      @RequestBody String question) {
    return GuardedReactiveOllamaClient.over(ollama, guard, Mono.just(caller))
        .chat(ChatRequest.of(model, question))
        .map(ChatResponse::text);
  }

  @ExceptionHandler
  ResponseEntity<String> refused(CallRefusedException refused) {
    return ResponseEntity.status(HttpStatusCode.valueOf(refused.refusal().status()))
        .body(refused.refusal().detail());
  }
}
