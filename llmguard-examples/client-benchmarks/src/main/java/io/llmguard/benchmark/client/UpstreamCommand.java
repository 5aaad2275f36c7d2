package io.llmguard.benchmark.client;

import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;

/** {@code upstream}: serves until it is stopped; prints where. */
@Command(name = "upstream", hidden = true)
final class UpstreamCommand implements Callable<Integer> {
  @Override
  public Integer call() throws Exception {
    try (Upstream upstream = Upstream.start()) {
      System.out.println(upstream.url());
      new CountDownLatch(1).await();
    }
    return 0;
  }
}
