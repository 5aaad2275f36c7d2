package io.llmguard.auth;

import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyUse;
import java.text.ParseException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Where the public keys of an issuer come from. Thread-safe; nothing here blocks. */
interface KeySets extends AutoCloseable {
  /**
   * The public keys of an issuer at one time.
   *
   * @param keys keys for signatures, none of them secret
   * @param text the JSON from which they were read
   * @param generation a number that differs from that of every other content
   * @param fetchedNanos when they were fetched
   */
  record KeySet(List<JWK> keys, String text, long generation, long fetchedNanos) {
    /**
     * Reads a JWK set (RFC 7517), of which only asymmetric keys that may verify signatures stay.
     *
     * @throws ParseException if it is none, or holds no such key
     */
    static List<JWK> read(String json) throws ParseException {
      List<JWK> keys =
          JWKSet.parse(json).toPublicJWKSet().getKeys().stream()
              .filter(key -> key.getKeyUse() == null || key.getKeyUse().equals(KeyUse.SIGNATURE))
              .toList();
      if (keys.isEmpty()) {
        throw new ParseException("the JWK set has no public key for signatures", 0);
      }
      return keys;
    }
  }

  /** The keys if they are at hand and fresh, else null. */
  @Nullable KeySet fresh();

  /** The keys, fetched if need be; nothing if there are none to be had. */
  CompletionStage<Optional<KeySet>> load();

  /** Newer keys than these, fetched unless that was done a moment ago; else the same. */
  CompletionStage<KeySet> newerThan(KeySet seen);

  @Override
  void close();
}
