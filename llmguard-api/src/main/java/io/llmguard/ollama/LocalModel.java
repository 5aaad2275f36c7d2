package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model that the server has.
 *
 * @param name its name
 * @param model its name again
 * @param modifiedAt when it came
 * @param size its bytes
 * @param digest its digest
 * @param details what it is made of
 * @param capabilities what it can do
 * @param remoteModel its name where it really runs, or null
 * @param remoteHost where it really runs, or null
 * @param extra fields that this version does not know, as they came
 */
public record LocalModel(
    String name,
    String model,
    @Nullable Instant modifiedAt,
    long size,
    String digest,
    ModelDetails details,
    List<String> capabilities,
    @Nullable String remoteModel,
    @Nullable String remoteHost,
    Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public LocalModel {
    capabilities = List.copyOf(capabilities);
    extra = Values.map(extra);
  }
}
