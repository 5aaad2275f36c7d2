package io.llmguard.examples.client;

import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.OllamaClient;
import java.io.PrintStream;

/** Prints an answer as it comes, and how fast it came. */
public final class StreamingChat {
  private StreamingChat() {}

  /** Takes the server's URL, the model and the question. */
  public static void main(String[] args) {
    run(args[0], args[1], args[2], System.out);
  }

  static void run(String url, String model, String question, PrintStream out) {
    try (OllamaClient client = Connect.to(url);
        var stream = client.chatStream(ChatRequest.of(model, question))) {
      for (ChatResponse chunk : stream) {
        out.print(chunk.text());
        out.flush();
      }
      out.printf("%n%.1f tokens/s%n", stream.result().metrics().tokensPerSecond());
    }
  }
}
