package io.llmguard.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.Expiry;
import io.github.bucket4j.TimeMeter;
import io.llmguard.TimeSource;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps buckets in this process, in bounded memory.
 *
 * <p>Every policy has a map of its own with at most {@code maxBuckets} buckets; one takes about 400
 * bytes. A bucket is dropped once it is full again, which changes nothing. Where there are more
 * that are not full, those asked for least often are dropped early.
 *
 * <p>What somebody gains who overflows the map on purpose: buckets that were dropped early start
 * full again. For that he needs more than {@code maxBuckets} addresses within the time in which one
 * bucket refills, and each of those gives him a full bucket anyway; addresses that call often keep
 * theirs, and no other policy's buckets are touched. Nobody else is refused because of it.
 *
 * <p>Every answer is complete at once. Thread-safe.
 */
public final class InMemoryRateLimitStore implements RateLimitStore {
  /** At most so many buckets for each policy, unless told otherwise. */
  public static final int DEFAULT_MAX_BUCKETS = 100_000;

  // Caffeine leaves an expiry as it is when a read would move it by less than a second
  private static final long SLACK = TimeUnit.SECONDS.toNanos(2);

  private static final CompletionStage<Void> DONE = CompletableFuture.completedStage(null);

  private final ConcurrentHashMap<String, Cache<LimitKey, MemoryBucket>> policies =
      new ConcurrentHashMap<>();
  private final TimeSource time;
  private final TimeMeter meter;
  private final int maxBuckets;

  /** A store with {@link #DEFAULT_MAX_BUCKETS}. */
  public InMemoryRateLimitStore(TimeSource time) {
    this(time, DEFAULT_MAX_BUCKETS);
  }

  /**
   * A store with a bound of its own.
   *
   * @param time refills the buckets
   * @param maxBuckets how many buckets each policy has at most; at least 1
   */
  public InMemoryRateLimitStore(TimeSource time, int maxBuckets) {
    if (maxBuckets < 1) {
      throw new IllegalArgumentException("a store needs room for a bucket: " + maxBuckets);
    }
    this.time = time;
    this.maxBuckets = maxBuckets;
    this.meter =
        new TimeMeter() {
          @Override
          public long currentTimeNanos() {
            return time.nanos();
          }

          @Override
          public boolean isWallClockBased() {
            return false;
          }
        };
  }

  @Override
  public CompletionStage<Probe> tryConsume(LimitKey key, RateLimit limit, long amount) {
    return CompletableFuture.completedFuture(bucket(key, limit).tryConsume(limit, amount));
  }

  @Override
  public CompletionStage<Probe> peek(LimitKey key, RateLimit limit, long amount) {
    MemoryBucket bucket = policy(key).getIfPresent(key);
    return CompletableFuture.completedFuture(
        bucket == null ? MemoryBucket.full(limit, amount) : bucket.peek(limit, amount));
  }

  @Override
  public CompletionStage<Void> charge(LimitKey key, RateLimit limit, long amount) {
    long nanosToFull = bucket(key, limit).charge(limit, amount);
    // a debt may take longer than any bucket takes to fill: it must not be forgotten before
    policy(key)
        .policy()
        .expireVariably()
        .ifPresent(p -> p.setExpiresAfter(key, nanosToFull + SLACK, TimeUnit.NANOSECONDS));
    return DONE;
  }

  @Override
  public CompletionStage<Void> refund(LimitKey key, RateLimit limit, long amount) {
    MemoryBucket bucket = policy(key).getIfPresent(key);
    if (bucket != null) {
      bucket.refund(limit, amount);
    }
    return DONE;
  }

  /** How many buckets are kept for a policy; dropped ones may be counted for a while. */
  public long buckets(String policy) {
    Cache<LimitKey, MemoryBucket> buckets = policies.get(policy);
    if (buckets == null) {
      return 0;
    }
    buckets.cleanUp();
    return buckets.estimatedSize();
  }

  @Override
  public void close() {
    policies.clear();
  }

  private MemoryBucket bucket(LimitKey key, RateLimit limit) {
    Cache<LimitKey, MemoryBucket> buckets = policy(key);
    MemoryBucket bucket = buckets.getIfPresent(key);
    return bucket != null ? bucket : buckets.get(key, k -> new MemoryBucket(limit, meter));
  }

  private Cache<LimitKey, MemoryBucket> policy(LimitKey key) {
    Cache<LimitKey, MemoryBucket> buckets = policies.get(key.policy());
    return buckets != null ? buckets : policies.computeIfAbsent(key.policy(), p -> newCache());
  }

  private Cache<LimitKey, MemoryBucket> newCache() {
    return Caffeine.newBuilder()
        .maximumSize(maxBuckets)
        .expireAfter(new UntilFull())
        .ticker(time::nanos)
        // evicting on the thread that adds keeps the bound in a flood, and needs no other thread
        .executor(Runnable::run)
        .build();
  }

  /** Keeps a bucket for as long as it may take to fill from the last time that it was asked for. */
  private static final class UntilFull implements Expiry<LimitKey, MemoryBucket> {
    @Override
    public long expireAfterCreate(LimitKey key, MemoryBucket bucket, long now) {
      return bucket.nanosToFill() + SLACK;
    }

    @Override
    public long expireAfterUpdate(LimitKey key, MemoryBucket bucket, long now, long left) {
      return Math.max(left, bucket.nanosToFill() + SLACK);
    }

    @Override
    public long expireAfterRead(LimitKey key, @Nullable MemoryBucket bucket, long now, long left) {
      return bucket == null ? left : Math.max(left, bucket.nanosToFill() + SLACK);
    }
  }
}
