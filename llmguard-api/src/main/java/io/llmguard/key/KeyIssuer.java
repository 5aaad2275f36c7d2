package io.llmguard.key;

import io.llmguard.TimeSource;
import io.llmguard.key.internal.Base62;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Makes keys and puts their records into a {@link KeyStore}. Thread-safe; blocks on the store.
 *
 * <p>To block, revoke or delete a key, ask the store itself.
 */
public final class KeyIssuer {
  private static final int ID_BYTES = 11;
  private static final int ID_DIGITS = 15;

  private final KeyStore store;
  private final TimeSource time;
  private final SecureRandom random;

  /** An issuer for this store that takes the time of creation and of grace from {@code time}. */
  public KeyIssuer(KeyStore store, TimeSource time) {
    this.store = store;
    this.time = time;
    this.random = new SecureRandom();
  }

  /**
   * Makes a key.
   *
   * @param name the name for people
   * @param options what is set beside the defaults of {@link KeyRecord#builder}
   */
  public IssuedKey issue(String name, UnaryOperator<KeyRecord.Builder> options) {
    return issue(builder -> options.apply(builder.name(name)));
  }

  /**
   * Makes a key whose name is its id unless the options set one.
   *
   * @param options what is set beside the defaults of {@link KeyRecord#builder}
   */
  public IssuedKey issue(UnaryOperator<KeyRecord.Builder> options) {
    byte[] id = new byte[ID_BYTES];
    random.nextBytes(id);
    ApiKey key = ApiKey.generate(random);
    KeyRecord.Builder builder =
        KeyRecord.builder("key_" + Base62.encode(id, ID_DIGITS), key.hash(), time.now());
    KeyRecord record = options.apply(builder).build();
    store.create(record);
    return new IssuedKey(key, record);
  }

  /**
   * Puts a new key in the place of a record's key. A record keeps one replaced key, so that another
   * rotation with grace has to wait for the end of the last one's; without grace, every earlier key
   * ends at once.
   *
   * @param grace how long the replaced key still lets its holder in; zero for not at all
   * @return null if there is no record of that id or it is revoked
   * @throws IllegalArgumentException if grace is asked for while the last rotation's lasts, or
   *     somebody else rotates the key at the same moment
   */
  public @Nullable IssuedKey rotate(String id, Duration grace) {
    if (grace.isNegative()) {
      throw new IllegalArgumentException("a time of grace is not negative: " + grace);
    }
    Instant now = time.now();
    KeyRecord known = store.find(id);
    if (known == null) {
      return null;
    }
    if (!grace.isZero() && known.inGrace(now)) {
      throw new IllegalArgumentException(
          "the key was rotated already, and the grace of the replaced one lasts until "
              + known.previousUntil()
              + "; rotate then, or without grace, which ends it at once");
    }
    ApiKey key = ApiKey.generate(random);
    boolean rotated = store.rotate(id, known.hash(), key.hash(), now.plus(grace));
    KeyRecord record = store.find(id);
    if (!rotated && record != null && !record.hash().equals(known.hash())) {
      throw new IllegalArgumentException(
          "the key was rotated by somebody else at the same moment; that rotation holds");
    }
    return !rotated || record == null ? null : new IssuedKey(key, record);
  }
}
