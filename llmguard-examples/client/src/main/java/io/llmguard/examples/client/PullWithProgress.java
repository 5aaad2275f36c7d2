package io.llmguard.examples.client;

import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.Progress;
import io.llmguard.ollama.PullRequest;
import java.io.PrintStream;

/** Fetches a model and draws a bar for each layer. */
public final class PullWithProgress {
  private static final int WIDTH = 30;

  private PullWithProgress() {}

  /** Takes the server's URL and the model. */
  public static void main(String[] args) {
    run(args[0], args[1], System.out);
  }

  static void run(String url, String model, PrintStream out) {
    try (OllamaClient client = Connect.to(url);
        var pull = client.pullStream(PullRequest.of(model))) {
      String layer = "";
      for (Progress progress : pull) {
        // a layer's bar is drawn over itself, until another layer or step begins
        String next = progress instanceof Progress.Transfer transfer ? transfer.digest() : "";
        if (!layer.isEmpty() && !layer.equals(next)) {
          out.println();
        }
        layer = next;
        out.print(line(progress));
        out.flush();
      }
    }
  }

  private static String line(Progress progress) {
    if (progress instanceof Progress.Transfer transfer) {
      int full = (int) (WIDTH * transfer.fraction());
      return "\r%s [%s%s] %3.0f%% of %.1f MB"
          .formatted(
              transfer.status(),
              "#".repeat(full),
              ".".repeat(WIDTH - full),
              100 * transfer.fraction(),
              transfer.total() / 1e6);
    }
    return progress.status() + "\n";
  }
}
