package io.llmguard.inspect;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Shows what goes on of an inspected answer, in the place of what came from the upstream: for who
 * records what clients were told. Used by one thread at a time.
 */
public final class PassedBytes {
  private final List<Consumer<ByteBuffer>> watchers = new ArrayList<>(1);

  PassedBytes() {}

  /** Shows the rest of the answer to one more; it must not keep a buffer, nor throw. */
  public void watch(Consumer<ByteBuffer> watcher) {
    watchers.add(watcher);
  }

  void passed(ByteBuffer bytes) {
    watchers.forEach(watcher -> watcher.accept(bytes.duplicate()));
  }
}
