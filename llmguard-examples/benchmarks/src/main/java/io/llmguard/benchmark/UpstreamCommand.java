package io.llmguard.benchmark;

import io.llmguard.benchmark.upstream.UpstreamServer;
import java.time.Duration;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code upstream}: the process that answers at once. Ends when its input does. */
@Command(name = "upstream", hidden = true, description = "The upstream's own process.")
final class UpstreamCommand implements Callable<Integer> {
  @Option(names = "--key", required = true, description = "The key that /validate takes.")
  private String key = "";

  @Option(names = "--pace-ms", required = true, description = "Pause in a paced stream.")
  private int paceMillis;

  @Override
  public Integer call() throws Exception {
    try (UpstreamServer server = UpstreamServer.start(key, Duration.ofMillis(paceMillis))) {
      System.out.println("port " + server.port());
      while (System.in.read() >= 0) {
        // the parent says no more; its end ends this process
      }
    }
    return 0;
  }
}
