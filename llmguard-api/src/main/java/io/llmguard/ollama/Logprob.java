package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How likely a token was.
 *
 * @param token the token's text
 * @param logprob the natural logarithm of its probability
 * @param bytes its bytes, 0 to 255 each, for tokens that are no whole characters
 * @param topLogprobs the likeliest tokens at this place; empty unless asked for
 * @param extra fields that this version does not know, as they came
 */
public record Logprob(
    String token,
    double logprob,
    List<Integer> bytes,
    List<Logprob> topLogprobs,
    Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public Logprob {
    bytes = List.copyOf(bytes);
    topLogprobs = List.copyOf(topLogprobs);
    extra = Values.map(extra);
  }

  /** A token with fields that this version knows. */
  public Logprob(String token, double logprob, List<Integer> bytes, List<Logprob> topLogprobs) {
    this(token, logprob, bytes, topLogprobs, Map.of());
  }

  /** How likely, never which token: tokens are the answer. */
  @Override
  public String toString() {
    return "Logprob[logprob=%s, topLogprobs=%d]".formatted(logprob, topLogprobs.size());
  }
}
