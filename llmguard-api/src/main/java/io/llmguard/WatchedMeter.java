package io.llmguard;

import io.llmguard.wire.Framing;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.Usage;
import java.nio.ByteBuffer;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A meter beside which something else sees the bytes. */
record WatchedMeter(ResponseMeter meter, Consumer<ByteBuffer> watch) implements ResponseMeter {
  @Override
  public void accept(ByteBuffer bytes) {
    meter.accept(bytes);
    watch.accept(bytes.duplicate());
  }

  @Override
  public boolean finished() {
    return meter.finished();
  }

  @Override
  public boolean failed() {
    return meter.failed();
  }

  @Override
  public @Nullable Usage usage() {
    return meter.usage();
  }

  @Override
  public long outputEvents() {
    return meter.outputEvents();
  }

  @Override
  public Framing framing() {
    return meter.framing();
  }

  @Override
  public boolean atLineStart() {
    return meter.atLineStart();
  }
}
