package io.llmguard.ollama;

import java.util.List;

/**
 * How likely a token was.
 *
 * @param token the token's text
 * @param logprob the natural logarithm of its probability
 * @param bytes its bytes, 0 to 255 each, for tokens that are no whole characters
 * @param topLogprobs the likeliest tokens at this place; empty unless asked for
 */
public record Logprob(
    String token, double logprob, List<Integer> bytes, List<Logprob> topLogprobs) {
  /** Copies the lists. */
  public Logprob {
    bytes = List.copyOf(bytes);
    topLogprobs = List.copyOf(topLogprobs);
  }
}
