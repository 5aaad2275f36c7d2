package io.llmguard.inprocess;

import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.Usage;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * What the application says that an answer has used, of which no byte passes here.
 *
 * @param usage what the server reported, or null
 * @param outputEvents pieces that have passed
 * @param finished whether the answer is whole
 */
record ToldMeter(@Nullable Usage usage, long outputEvents, boolean finished)
    implements ResponseMeter {
  @Override
  public void accept(ByteBuffer bytes) {}

  @Override
  public boolean failed() {
    return false;
  }
}
