package io.llmguard;

import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link Stage} also is if it sees the bytes of answers as they pass.
 *
 * <p>Asked once for each answer, when its head has come, in the guard's order of stages.
 */
@FunctionalInterface
public interface AnswerWatcher {
  /**
   * What is given each piece of this answer, or null where nothing of it is of interest. It is
   * called by one thread at a time, must not block, must not keep the buffer, and may move the
   * position of its view. It must not throw.
   */
  @Nullable Consumer<ByteBuffer> watch(Exchange exchange, int status, Headers headers);
}
