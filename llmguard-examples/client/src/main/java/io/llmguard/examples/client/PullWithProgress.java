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
    try (OllamaClient client = OllamaClient.create(url);
        var pull = client.pullStream(PullRequest.of(model))) {
      for (Progress progress : pull) {
        out.print(line(progress));
        out.flush();
      }
    }
  }

  /** A bar is drawn over itself until it is full; a step has a line of its own. */
  static String line(Progress progress) {
    if (progress instanceof Progress.Transfer transfer) {
      int full = (int) (WIDTH * transfer.fraction());
      String bar = "#".repeat(full) + ".".repeat(WIDTH - full);
      String end = full == WIDTH ? "\n" : "";
      return "\r%s [%s] %3.0f%%%s"
          .formatted(transfer.status(), bar, 100 * transfer.fraction(), end);
    }
    return progress.status() + "\n";
  }
}
