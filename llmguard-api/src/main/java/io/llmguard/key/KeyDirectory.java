package io.llmguard.key;

import io.llmguard.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The records of a {@link KeyStore} in memory, kept up to date in the background, so that no
 * request waits for the store.
 *
 * <p>A thread of its own asks the store for its revision, four times a second unless told
 * otherwise, and takes over what changed. While the store fails, the records that are known go on
 * being served until {@link Builder#maxStaleness}, as a revocation could not be heard of, after
 * which every look-up is {@link KeyLookup.Answer.Unavailable}; so it is before the first success.
 * {@link #health} tells. A key that was once seen revoked stays revoked here even if the store
 * forgets it, as one restored from a backup does.
 *
 * <p>Times of use are collected and written in batches. Thread-safe. Closing writes the last batch;
 * the store stays open.
 */
public final class KeyDirectory implements KeyLookup, AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(KeyDirectory.class);

  private static final CompletionStage<Answer> UNKNOWN = answer(new Answer.Unknown());
  private static final CompletionStage<Answer> UNAVAILABLE = answer(new Answer.Unavailable());

  private record Snapshot(
      long revision,
      Map<String, KeyRecord> byId,
      Map<KeyHash, CompletionStage<Answer>> byHash,
      Set<KeyHash> revoked) {}

  /** When the store was last heard of. */
  private record Contact(boolean ever, long nanos, long failures) {}

  private final KeyStore store;
  private final TimeSource time;
  private final Duration maxStaleness;
  private final Map<String, Instant> lastUsed = new ConcurrentHashMap<>();
  private final ScheduledExecutorService executor;
  private final Object refreshing = new Object();
  private volatile Snapshot snapshot = new Snapshot(-1, Map.of(), Map.of(), Set.of());
  private volatile Contact contact = new Contact(false, 0, 0);

  private KeyDirectory(Builder builder) {
    store = builder.store;
    time = builder.time;
    maxStaleness = builder.maxStaleness;
    executor =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "llmguard-keys");
              thread.setDaemon(true);
              return thread;
            });
    refresh();
    long refresh = builder.refreshEvery.toMillis();
    long flush = builder.writeUseEvery.toMillis();
    // neither task ever throws, so nobody needs to ask how they ended
    Future<?> unusedRefreshing =
        executor.scheduleWithFixedDelay(this::refresh, refresh, refresh, TimeUnit.MILLISECONDS);
    Future<?> unusedWriting =
        executor.scheduleWithFixedDelay(this::writeUse, flush, flush, TimeUnit.MILLISECONDS);
  }

  /** A builder of a directory of this store. */
  public static Builder builder(KeyStore store) {
    return new Builder(store);
  }

  @Override
  public CompletionStage<Answer> find(KeyHash hash) {
    Contact last = contact;
    if (!last.ever || tooOld(last)) {
      return UNAVAILABLE;
    }
    return snapshot.byHash.getOrDefault(hash, UNKNOWN);
  }

  @Override
  public void used(KeyRecord record, Instant at) {
    Instant known = lastUsed.get(record.id());
    // one write a second is enough for a time that people read
    if (known == null || known.isBefore(at.minusSeconds(1))) {
      lastUsed.put(record.id(), at);
    }
  }

  /**
   * Takes over at once what changed in the store. Blocks on the store.
   *
   * @return false if the store failed
   */
  public boolean refresh() {
    synchronized (refreshing) {
      long asked = time.nanos();
      try {
        Snapshot known = snapshot;
        if (!contact.ever || store.revision() != known.revision) {
          snapshot = merge(known, store.changesSince(known.revision));
        }
      } catch (RuntimeException | Error e) {
        // also an Error: it must not end the refreshing for good
        Contact before = contact;
        contact = new Contact(before.ever, before.nanos, before.failures + 1);
        if (before.failures == 0) {
          log.error("the key store fails, {} known keys go on: {}", snapshot.byId.size(), what(e));
        }
        return false;
      }
      if (contact.failures > 0) {
        log.info("the key store is back after {} failures", contact.failures);
      }
      contact = new Contact(true, asked, 0);
      return true;
    }
  }

  /**
   * Writes at once the times of use that were collected. Blocks on the store.
   *
   * @return false if the store failed; the times are kept for the next try
   */
  public boolean writeUse() {
    Map<String, Instant> batch = Map.copyOf(lastUsed);
    if (batch.isEmpty()) {
      return true;
    }
    try {
      store.touch(batch);
    } catch (RuntimeException | Error e) {
      log.warn("the key store did not take the times of last use: {}", what(e));
      return false;
    }
    batch.forEach(lastUsed::remove);
    return true;
  }

  /** How the directory stands with its store. */
  public Health health() {
    Contact last = contact;
    return new Health(
        last.ever && !tooOld(last),
        last.failures,
        last.ever ? Duration.ofNanos(time.nanos() - last.nanos) : null,
        snapshot.byId.size(),
        snapshot.revision);
  }

  /**
   * How a directory stands with its store.
   *
   * @param serving true if look-ups are answered
   * @param failures how often in a row the store has failed; 0 if all is well
   * @param age how long ago the store was last heard of, or null for never
   * @param records how many records are known
   * @param revision the store's revision that was reached, or -1 for none
   */
  public record Health(
      boolean serving, long failures, @Nullable Duration age, int records, long revision) {}

  @Override
  public void close() {
    executor.shutdownNow();
    boolean ended;
    try {
      ended = executor.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    if (!ended) {
      log.warn("the key store still holds up the directory that is being closed");
    }
    writeUse();
  }

  private boolean tooOld(Contact last) {
    return time.nanos() - last.nanos > maxStaleness.toNanos();
  }

  private static Snapshot merge(Snapshot known, KeyStore.Changes changes) {
    Map<String, KeyRecord> byId = new HashMap<>();
    Map<KeyHash, CompletionStage<Answer>> byHash = new HashMap<>();
    Set<KeyHash> revoked = new HashSet<>(known.revoked);
    if (!changes.complete()) {
      byId.putAll(known.byId);
      byHash.putAll(known.byHash);
    }
    // all old hashes go before any new one comes
    for (KeyRecord record : changes.records()) {
      KeyRecord old = byId.remove(record.id());
      if (old != null) {
        byHash.remove(old.hash());
        removeIfThere(byHash, old.previousHash());
      }
    }
    for (KeyRecord stored : changes.records()) {
      KeyRecord record = stored;
      if (stored.state() == KeyRecord.State.REVOKED) {
        revoked.add(stored.hash());
        addIfThere(revoked, stored.previousHash());
      } else if (revoked.contains(stored.hash())) {
        log.warn("the store says {} about the revoked key {}", stored.state(), stored.id());
        record = stored.toBuilder().state(KeyRecord.State.REVOKED).build();
      }
      byId.put(record.id(), record);
      CompletionStage<Answer> found = answer(new Answer.Found(record));
      byHash.put(record.hash(), found);
      KeyHash previous = record.previousHash();
      if (previous != null) {
        byHash.put(previous, found);
      }
    }
    return new Snapshot(changes.revision(), byId, byHash, revoked);
  }

  private static void removeIfThere(Map<KeyHash, ?> from, @Nullable KeyHash hash) {
    if (hash != null) {
      from.remove(hash);
    }
  }

  private static void addIfThere(Set<KeyHash> to, @Nullable KeyHash hash) {
    if (hash != null) {
      to.add(hash);
    }
  }

  private static CompletionStage<Answer> answer(Answer answer) {
    return CompletableFuture.completedFuture(answer);
  }

  /** The classes only: a message may hold what a store was asked for. */
  private static String what(Throwable e) {
    Throwable cause = e.getCause();
    return e.getClass().getName() + (cause == null ? "" : " from " + cause.getClass().getName());
  }

  /** Collects how a directory is kept. Not thread-safe. */
  public static final class Builder {
    private final KeyStore store;
    private TimeSource time = TimeSource.system();
    private Duration refreshEvery = Duration.ofMillis(250);
    private Duration writeUseEvery = Duration.ofSeconds(10);
    private Duration maxStaleness = Duration.ofMinutes(10);

    private Builder(KeyStore store) {
      this.store = store;
    }

    /** Where staleness is measured; the machine's clocks unless set. */
    public Builder time(TimeSource value) {
      time = value;
      return this;
    }

    /** How long after one question to the store comes the next; 250 ms unless set, at least 1. */
    public Builder refreshEvery(Duration value) {
      refreshEvery = positive(value);
      return this;
    }

    /** How long after one batch of times of use comes the next; 10 s unless set. */
    public Builder writeUseEvery(Duration value) {
      writeUseEvery = positive(value);
      return this;
    }

    /** How long the known records are served while the store fails; 10 min unless set. */
    public Builder maxStaleness(Duration value) {
      maxStaleness = positive(value);
      return this;
    }

    /** The directory, with the store's records, unless the store fails. Blocks on the store. */
    public KeyDirectory open() {
      return new KeyDirectory(this);
    }

    private static Duration positive(Duration value) {
      if (value.toMillis() < 1) {
        throw new IllegalArgumentException("at least 1 ms is needed: " + value);
      }
      return value;
    }
  }
}
