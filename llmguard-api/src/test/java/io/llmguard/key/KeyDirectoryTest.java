package io.llmguard.key;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.Eventually;
import io.llmguard.testkit.ManualTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class KeyDirectoryTest {
  private static final Duration SECOND = Duration.ofSeconds(1);

  private static final Duration NEVER = Duration.ofDays(1);

  private final ManualTime time = new ManualTime();
  private final MemoryKeyStore store = new MemoryKeyStore();
  private final FailingStore failing = new FailingStore(store);
  private final KeyIssuer issuer = new KeyIssuer(store, time);

  private KeyDirectory still(KeyStore of) {
    return KeyDirectory.builder(of).time(time).refreshEvery(NEVER).writeUseEvery(NEVER).open();
  }

  private static @Nullable KeyRecord found(KeyDirectory directory, ApiKey key) {
    return directory.find(key.hash()).toCompletableFuture().join()
            instanceof KeyLookup.Answer.Found found
        ? found.record()
        : null;
  }

  private static boolean unavailable(KeyDirectory directory, ApiKey key) {
    return directory.find(key.hash()).toCompletableFuture().join()
        instanceof KeyLookup.Answer.Unavailable;
  }

  @Test
  void findsByTheWholeHashOnly() {
    IssuedKey issued = issuer.issue("a", UnaryOperator.identity());
    try (KeyDirectory directory = still(store)) {
      assertThat(found(directory, issued.key())).isEqualTo(issued.record());
      String hex = issued.key().hash().hex();
      String near = hex.substring(0, 63) + (hex.charAt(63) == '0' ? '1' : '0');
      assertThat(directory.find(KeyHash.parse(near)).toCompletableFuture().join())
          .isInstanceOf(KeyLookup.Answer.Unknown.class);
    }
  }

  /**
   * A machine that does something else for a while may delay any change: one of them is in time.
   */
  @Test
  void aRunningDirectoryKnowsAChangeWithinASecond() throws Exception {
    try (KeyDirectory directory = KeyDirectory.builder(store).open()) {
      List<Duration> took = new ArrayList<>();
      do {
        IssuedKey issued = issuer.issue("late" + took.size(), UnaryOperator.identity());
        long start = System.nanoTime();
        Eventually.await(() -> found(directory, issued.key()) != null);
        took.add(Duration.ofNanos(System.nanoTime() - start));
      } while (took.size() < 3 && took.get(took.size() - 1).compareTo(SECOND) >= 0);
      assertThat(took).anySatisfy(each -> assertThat(each).isLessThan(SECOND));
    }
  }

  @Test
  void seesEveryKindOfChange() {
    IssuedKey one = issuer.issue("one", UnaryOperator.identity());
    IssuedKey two = issuer.issue("two", UnaryOperator.identity());
    try (KeyDirectory directory = still(store)) {
      store.block(one.record().id());
      assertThat(directory.refresh()).isTrue();
      assertThat(state(directory, one)).isEqualTo(KeyRecord.State.BLOCKED);
      store.unblock(one.record().id());
      directory.refresh();
      assertThat(state(directory, one)).isEqualTo(KeyRecord.State.ACTIVE);
      IssuedKey rotated = rotate(one.record().id(), Duration.ofHours(1));
      directory.refresh();
      assertThat(found(directory, rotated.key())).isEqualTo(found(directory, one.key()));
      // a second rotation without grace ends the first key at once
      IssuedKey again = rotate(one.record().id(), Duration.ZERO);
      directory.refresh();
      assertThat(found(directory, one.key())).isNull();
      assertThat(found(directory, rotated.key())).isNotNull();
      assertThat(found(directory, again.key())).isNotNull();
      store.delete(two.record().id());
      directory.refresh();
      assertThat(found(directory, two.key())).isNull();
      assertThat(directory.health().records()).isEqualTo(1);
      assertThat(directory.health().revision()).isEqualTo(store.revision());
    }
  }

  private static KeyRecord.@Nullable State state(KeyDirectory directory, IssuedKey issued) {
    KeyRecord record = found(directory, issued.key());
    return record == null ? null : record.state();
  }

  private IssuedKey rotate(String id, Duration grace) {
    IssuedKey rotated = issuer.rotate(id, grace);
    assertThat(rotated).isNotNull();
    if (rotated == null) {
      throw new AssertionError("not rotated");
    }
    return rotated;
  }

  @Test
  void goesOnWithWhatItKnowsWhileTheStoreFails() {
    IssuedKey issued = issuer.issue("a", UnaryOperator.identity());
    try (KeyDirectory directory = still(failing)) {
      failing.down = true;
      assertThat(directory.refresh()).isFalse();
      assertThat(directory.refresh()).isFalse();
      time.advance(Duration.ofMinutes(10));
      assertThat(found(directory, issued.key())).isNotNull();
      KeyDirectory.Health health = directory.health();
      assertThat(health.serving()).isTrue();
      assertThat(health.failures()).isEqualTo(2);
      assertThat(health.age()).isEqualTo(Duration.ofMinutes(10));
      time.advance(Duration.ofMillis(1));
      assertThat(unavailable(directory, issued.key())).as("fails closed unless told").isTrue();
      assertThat(directory.health().serving()).isFalse();
      failing.down = false;
      assertThat(directory.refresh()).isTrue();
      assertThat(directory.health().failures()).isZero();
    }
  }

  @Test
  void failsClosedAfterTheSetStaleness() {
    IssuedKey issued = issuer.issue("a", UnaryOperator.identity());
    try (KeyDirectory directory =
        KeyDirectory.builder(failing)
            .time(time)
            .refreshEvery(NEVER)
            .writeUseEvery(NEVER)
            .maxStaleness(Duration.ofSeconds(30))
            .open()) {
      failing.down = true;
      time.advance(Duration.ofSeconds(30));
      directory.refresh();
      assertThat(found(directory, issued.key())).isNotNull();
      time.advance(Duration.ofMillis(1));
      assertThat(unavailable(directory, issued.key())).isTrue();
      assertThat(directory.health().serving()).isFalse();
      failing.down = false;
      directory.refresh();
      assertThat(found(directory, issued.key())).isNotNull();
    }
  }

  @Test
  void isUnavailableUntilTheStoreFirstAnswers() {
    IssuedKey issued = issuer.issue("a", UnaryOperator.identity());
    failing.down = true;
    try (KeyDirectory directory = still(failing)) {
      assertThat(unavailable(directory, issued.key())).isTrue();
      assertThat(directory.health().age()).isNull();
      failing.down = false;
      directory.refresh();
      assertThat(found(directory, issued.key())).isNotNull();
    }
  }

  @Test
  void aRevocationIsNeverUndoneByAStoreThatForgetsIt() {
    IssuedKey issued = issuer.issue("a", UnaryOperator.identity());
    KeyRecord backup = issued.record();
    MemoryKeyStore restored = new MemoryKeyStore();
    restored.create(backup);
    SwitchedStore switched = new SwitchedStore(store);
    try (KeyDirectory directory = still(switched)) {
      store.revoke(backup.id());
      directory.refresh();
      assertThat(state(directory, issued)).isEqualTo(KeyRecord.State.REVOKED);
      switched.now = restored;
      directory.refresh();
      assertThat(directory.health().revision()).isEqualTo(restored.revision());
      assertThat(state(directory, issued)).isEqualTo(KeyRecord.State.REVOKED);
    }
  }

  @Test
  void writesTimesOfUseInBatchesAndKeepsThemWhileTheStoreFails() {
    IssuedKey issued = issuer.issue("a", UnaryOperator.identity());
    String id = issued.record().id();
    Instant used = time.now().plusSeconds(5);
    try (KeyDirectory directory = still(failing)) {
      directory.used(issued.record(), used);
      assertThat(lastUsed(id)).isNull();
      failing.down = true;
      assertThat(directory.writeUse()).isFalse();
      failing.down = false;
      assertThat(directory.writeUse()).isTrue();
      assertThat(lastUsed(id)).isEqualTo(used);
      directory.used(issued.record(), used.plusSeconds(60));
    }
    // closing writes the rest
    assertThat(lastUsed(id)).isEqualTo(used.plusSeconds(60));
  }

  private @Nullable Instant lastUsed(String id) {
    KeyRecord record = store.find(id);
    return record == null ? null : record.lastUsedAt();
  }

  @Test
  void lookUpsDuringRotationsAndRevocationsSeeOneStateOrTheOther() throws Exception {
    IssuedKey stable = issuer.issue("stable", UnaryOperator.identity());
    IssuedKey moving = issuer.issue("moving", UnaryOperator.identity());
    AtomicBoolean stop = new AtomicBoolean();
    CountDownLatch revoked = new CountDownLatch(1);
    ExecutorService readers = Executors.newFixedThreadPool(3);
    try (KeyDirectory directory =
        KeyDirectory.builder(store).refreshEvery(Duration.ofMillis(1)).open()) {
      List<Future<Boolean>> reading =
          List.of(
              readers.submit(() -> readStable(directory, stable, stop)),
              readers.submit(() -> readStable(directory, stable, stop)),
              readers.submit(
                  () -> {
                    // once seen as revoked, a key is never seen as anything else
                    boolean seen = false;
                    while (!stop.get()) {
                      KeyRecord.State state = state(directory, moving);
                      if (seen && state != KeyRecord.State.REVOKED) {
                        return false;
                      }
                      if (state == KeyRecord.State.REVOKED) {
                        seen = true;
                        revoked.countDown();
                      }
                    }
                    return seen;
                  }));
      for (int i = 0; i < 300; i++) {
        IssuedKey other = issuer.issue("other", UnaryOperator.identity());
        rotate(other.record().id(), Duration.ZERO);
        store.revoke(other.record().id());
        if (i == 100) {
          store.revoke(moving.record().id());
        }
      }
      assertThat(revoked.await(20, TimeUnit.SECONDS)).isTrue();
      stop.set(true);
      for (Future<Boolean> future : reading) {
        assertThat(future.get(20, TimeUnit.SECONDS)).isTrue();
      }
    } finally {
      stop.set(true);
      readers.shutdownNow();
    }
  }

  private static boolean readStable(KeyDirectory directory, IssuedKey stable, AtomicBoolean stop) {
    while (!stop.get()) {
      if (found(directory, stable.key()) == null) {
        return false;
      }
    }
    return true;
  }

  /** A store that can be down. */
  private static final class FailingStore extends Delegate {
    private volatile boolean down;

    FailingStore(KeyStore store) {
      super(store);
    }

    @Override
    KeyStore store() {
      if (down) {
        throw new KeyStoreException("down", new java.io.IOException("down"));
      }
      return super.store();
    }
  }

  /** A store that can become another, as by a restored backup. */
  private static final class SwitchedStore extends Delegate {
    private volatile KeyStore now;

    SwitchedStore(KeyStore store) {
      super(store);
      now = store;
    }

    @Override
    KeyStore store() {
      return now;
    }
  }

  /** What a directory asks of a store. */
  private static class Delegate implements KeyStore {
    private final KeyStore store;

    Delegate(KeyStore store) {
      this.store = store;
    }

    KeyStore store() {
      return store;
    }

    @Override
    public void create(KeyRecord record) {
      store().create(record);
    }

    @Override
    public @Nullable KeyRecord find(String id) {
      return store().find(id);
    }

    @Override
    public @Nullable KeyRecord findByHash(KeyHash hash) {
      return store().findByHash(hash);
    }

    @Override
    public List<KeyRecord> list() {
      return store().list();
    }

    @Override
    public boolean update(KeyRecord record) {
      return store().update(record);
    }

    @Override
    public boolean rotate(String id, KeyHash replaced, KeyHash newHash, Instant previousUntil) {
      return store().rotate(id, replaced, newHash, previousUntil);
    }

    @Override
    public boolean block(String id) {
      return store().block(id);
    }

    @Override
    public boolean unblock(String id) {
      return store().unblock(id);
    }

    @Override
    public boolean revoke(String id) {
      return store().revoke(id);
    }

    @Override
    public boolean delete(String id) {
      return store().delete(id);
    }

    @Override
    public void touch(Map<String, Instant> lastUsed) {
      store().touch(lastUsed);
    }

    @Override
    public long revision() {
      return store().revision();
    }

    @Override
    public Changes changesSince(long revision) {
      return store().changesSince(revision);
    }
  }
}
