package io.llmguard.examples.client;

import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.Description;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.Toolbox;
import java.io.PrintStream;

/** Lets the model call a method, three rounds at most. */
public final class ToolUse {
  /** What the model may use. */
  public static final class Calculator {
    /** Adds. */
    @Description("adds two whole numbers")
    public long add(long a, long b) {
      return Math.addExact(a, b);
    }
  }

  private ToolUse() {}

  /** Takes the server's URL, the model and the question. */
  public static void main(String[] args) {
    run(args[0], args[1], args[2], System.out);
  }

  static void run(String url, String model, String question, PrintStream out) {
    try (OllamaClient client = Connect.to(url)) {
      Toolbox tools = Toolbox.of(new Calculator());
      out.println(tools.chat(client, ChatRequest.of(model, question), 3).text());
    }
  }
}
