package io.llmguard.examples.client;

import io.llmguard.ollama.Description;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.OllamaClient;
import java.io.PrintStream;

/** Asks for a record and gets one. */
public final class StructuredAnswer {
  /**
   * What is asked for.
   *
   * @param colour its name
   */
  public record Answer(@Description("a colour's English name") String colour) {}

  private StructuredAnswer() {}

  /** Takes the server's URL and the model. */
  public static void main(String[] args) {
    run(args[0], args[1], System.out);
  }

  static void run(String url, String model, PrintStream out) {
    try (OllamaClient client = Connect.to(url)) {
      GenerateRequest request = GenerateRequest.of(model, "Name one colour as JSON");
      out.println(client.generate(request, Answer.class).colour());
    }
  }
}
