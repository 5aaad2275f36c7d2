package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.BufferLeaks;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import reactor.core.scheduler.Schedulers;

/** The watch over event loops itself. */
@Tag("server")
class EventLoopWatchTest {
  @Test
  void aBufferThatNobodyReleasesIsFoundAtOnce() {
    lose();
    assertThat(BufferLeaks.taken()).singleElement().asString().contains("ByteBuf");
    assertThat(BufferLeaks.taken()).isEmpty();
  }

  private static void lose() {
    ByteBuf lost = PooledByteBufAllocator.DEFAULT.directBuffer(64);
    assertThat(lost.refCnt()).isEqualTo(1);
  }

  @Test
  void aThreadThatMustNotBlockAndDoesIsFound() throws Exception {
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    Schedulers.parallel()
        .schedule(
            () -> {
              try {
                new CompletableFuture<Void>().get(1, TimeUnit.SECONDS);
                thrown.complete(new AssertionError("it could block"));
              } catch (Exception e) {
                thrown.complete(e);
              }
            });
    assertThat(thrown.get(20, TimeUnit.SECONDS)).hasMessageContaining("a blocking call");
    assertThat(BlockingCalls.taken()).isNotEmpty();
  }
}
