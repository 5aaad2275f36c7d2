package io.llmguard.examples.bootwebflux;

import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.OllamaClient;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Mono;

/** Takes questions. */
@RestController
class AskController {
  private final OllamaClient ollama;

  AskController(OllamaClient ollama) {
    this.ollama = ollama;
  }

  @PostMapping("/api/ask")
  Mono<String> ask(
      @RequestParam(defaultValue = "gemma3") String model, @RequestBody String question) {
    return Mono.fromFuture(() -> ollama.chatAsync(ChatRequest.of(model, question)))
        .map(ChatResponse::text);
  }
}
