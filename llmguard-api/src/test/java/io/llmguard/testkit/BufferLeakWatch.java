package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.util.ResourceLeakDetector;
import io.netty.util.ResourceLeakDetectorFactory;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Fails each class after which a buffer of Netty's has leaked; every buffer must be watched. */
public final class BufferLeakWatch implements BeforeAllCallback, AfterAllCallback {
  /** For the service loader. */
  public BufferLeakWatch() {}

  @Override
  public void beforeAll(ExtensionContext context) {
    assertThat(ResourceLeakDetector.getLevel()).isEqualTo(ResourceLeakDetector.Level.PARANOID);
    assertThat(ResourceLeakDetectorFactory.instance().newResourceLeakDetector(ByteBuf.class))
        .isInstanceOf(BufferLeaks.class);
  }

  @Override
  public void afterAll(ExtensionContext context) {
    assertThat(BufferLeaks.taken()).as("leaked buffers").isEmpty();
  }
}
