package io.llmguard.auth;

import java.text.ParseException;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** The keys that stand in a configuration. */
final class FixedKeySets implements KeySets {
  private final KeySet keys;

  /** The keys of a JWK set; {@link IllegalArgumentException} if it is none. */
  FixedKeySets(String json) {
    try {
      keys = new KeySet(KeySet.read(json), json, 0, 0);
    } catch (ParseException e) {
      throw new IllegalArgumentException("not a JWK set with public keys for signatures", e);
    }
  }

  @Override
  public KeySet fresh() {
    return keys;
  }

  @Override
  public CompletionStage<Optional<KeySet>> load() {
    return CompletableFuture.completedFuture(Optional.of(keys));
  }

  @Override
  public CompletionStage<KeySet> newerThan(KeySet seen) {
    return CompletableFuture.completedFuture(keys);
  }

  @Override
  public void close() {}
}
