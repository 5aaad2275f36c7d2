package io.llmguard.wire;

import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

enum NoMeter implements ResponseMeter {
  INSTANCE;

  @Override
  public void accept(ByteBuffer bytes) {}

  @Override
  public boolean finished() {
    return true;
  }

  @Override
  public boolean failed() {
    return false;
  }

  @Override
  public @Nullable Usage usage() {
    return null;
  }

  @Override
  public long outputEvents() {
    return 0;
  }
}
