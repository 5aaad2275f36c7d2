package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.util.ResourceLeakDetector;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import reactor.blockhound.BlockHound;

/** Fails each test that blocks an event loop, and each class after which a buffer has leaked. */
public final class EventLoopWatch
    implements BeforeAllCallback, AfterEachCallback, AfterAllCallback {
  /** For the service loader. */
  public EventLoopWatch() {}

  @Override
  public void beforeAll(ExtensionContext context) {
    BlockHound.install();
    assertThat(ResourceLeakDetector.getLevel()).isEqualTo(ResourceLeakDetector.Level.PARANOID);
  }

  @Override
  public void afterEach(ExtensionContext context) {
    assertThat(BlockingCalls.taken()).as("blocking calls on event loops").isEmpty();
  }

  @Override
  public void afterAll(ExtensionContext context) {
    assertThat(BufferLeaks.taken()).as("leaked buffers").isEmpty();
  }
}
