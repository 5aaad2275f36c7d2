package io.llmguard.openai;

import io.llmguard.ollama.internal.Values;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model that the server has.
 *
 * @param id its name
 * @param created when it was made; the epoch where not said
 * @param ownedBy whose it is; may be empty
 * @param extra fields that this version does not know, as they came
 */
public record OpenAiModel(
    String id, Instant created, String ownedBy, Map<String, @Nullable Object> extra) {
  /** Copies the fields. */
  public OpenAiModel {
    extra = Values.map(extra);
  }
}
