package io.llmguard.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Answer;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class JdkTransportTest extends UpstreamTransportContract {
  @Override
  UpstreamTransport transport(TransportSettings settings) {
    return new JdkTransport(settings);
  }

  @Test
  void aCallThatEndsBeforeItsSendingReturnsLeavesItsConnectionToOthers() throws Exception {
    Thread sender = Thread.currentThread();
    Answered first = Answered.keeping();
    ExecutorService threads = Executors.newCachedThreadPool();
    // as when the sender has to wait for a processor while the call goes its way
    TransportSettings settings =
        TransportSettings.builder()
            .executor(
                task -> {
                  threads.execute(task);
                  if (Thread.currentThread() == sender) {
                    first.ended.orTimeout(20, TimeUnit.SECONDS).join();
                  }
                })
            .build();
    try (UpstreamTransport slow = transport(settings)) {
      upstream.enqueue(Answer.plain("a/b", "first"));
      slow.send(post("{}"), first);
      upstream.enqueue(Answer.plain("a/b", "second"));
      Answered second = Answered.keeping();
      slow.send(post("{}"), second);
      assertThat(second.awaitText()).isEqualTo("second");
      assertThat(upstream.connections()).isEqualTo(1);
    } finally {
      threads.shutdownNow();
    }
  }
}
