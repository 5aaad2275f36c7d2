package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /api/status}.
 *
 * @param cloudDisabled whether models that run elsewhere are switched off
 * @param cloudSource what switched them off, in the server's word; {@code none} where nothing did
 * @param extra fields that this version does not know, as they came; those inside {@code cloud} are
 *     under that name
 */
public record ServerStatus(
    boolean cloudDisabled, String cloudSource, Map<String, @Nullable Object> extra) {
  /** Copies the fields. */
  public ServerStatus {
    extra = Values.map(extra);
  }
}
