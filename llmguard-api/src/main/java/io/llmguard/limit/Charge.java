package io.llmguard.limit;

/**
 * What one limit is to be asked for one call.
 *
 * @param limiter whom to ask
 * @param key the bucket
 * @param limit the bucket's limit
 * @param amount how much; at least 1
 * @param checkOnly true to look and take nothing
 */
record Charge(Limiter limiter, LimitKey key, RateLimit limit, long amount, boolean checkOnly) {
  static Charge take(Limiter limiter, LimitKey key, RateLimit limit, long amount) {
    return new Charge(limiter, key, limit, amount, false);
  }

  static Charge check(Limiter limiter, LimitKey key, RateLimit limit, long amount) {
    return new Charge(limiter, key, limit, amount, true);
  }

  Charge withAmount(long other) {
    return new Charge(limiter, key, limit, other, checkOnly);
  }
}
