package io.llmguard.examples.bootwebflux;

import io.llmguard.ollama.OllamaClient;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/** Answers questions with a model of the machine's own. */
@SpringBootApplication
public class AskApplication {
  /** For Spring. */
  public AskApplication() {}

  @Bean
  OllamaClient ollama(@Value("${ask.ollama}") String url) {
    return OllamaClient.create(url);
  }

  /** Runs the application. */
  public static void main(String[] args) {
    SpringApplication.run(AskApplication.class, args);
  }
}
