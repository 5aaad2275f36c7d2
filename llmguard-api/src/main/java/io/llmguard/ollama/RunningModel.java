package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model that is loaded.
 *
 * @param name its name
 * @param model its name again
 * @param size its bytes in memory
 * @param digest its digest
 * @param details what it is made of
 * @param expiresAt when it will be unloaded
 * @param sizeVram its bytes on the GPU
 * @param contextLength its context in tokens
 * @param extra fields that this version does not know, as they came
 */
public record RunningModel(
    String name,
    String model,
    long size,
    String digest,
    ModelDetails details,
    @Nullable Instant expiresAt,
    long sizeVram,
    int contextLength,
    Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public RunningModel {
    extra = Values.map(extra);
  }
}
