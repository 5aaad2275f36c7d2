package io.llmguard.examples.bootmvc;

import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.OllamaClient;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** Takes questions. */
@RestController
class AskController {
  private final OllamaClient ollama;

  AskController(OllamaClient ollama) {
    this.ollama = ollama;
  }

  @PostMapping("/api/ask")
  String ask(@RequestParam(defaultValue = "gemma3") String model, @RequestBody String question) {
    return ollama.chat(ChatRequest.of(model, question)).text();
  }
}
