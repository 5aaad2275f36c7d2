package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import reactor.blockhound.BlockHound;

/** Fails each test that blocks an event loop. */
public final class EventLoopWatch implements BeforeAllCallback, AfterEachCallback {
  /** For the service loader. */
  public EventLoopWatch() {}

  @Override
  public void beforeAll(ExtensionContext context) {
    BlockHound.install();
  }

  @Override
  public void afterEach(ExtensionContext context) {
    assertThat(BlockingCalls.taken()).as("blocking calls on event loops").isEmpty();
  }
}
