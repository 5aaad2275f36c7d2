package io.llmguard.key;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.ManualTime;
import io.llmguard.wire.CallerCeilings;
import java.math.BigDecimal;
import java.security.SecureRandom;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What every key store does; each store runs it once. */
public abstract class KeyStoreContract {
  private final ManualTime time = new ManualTime();
  private final SecureRandom random = new SecureRandom();

  /** A new and empty store. */
  protected abstract KeyStore store();

  private KeyHash hash() {
    return ApiKey.generate(random).hash();
  }

  private KeyRecord simple(String id) {
    return KeyRecord.builder(id, hash(), time.now()).build();
  }

  private KeyRecord full(String id) {
    return KeyRecord.builder(id, hash(), time.now().plusNanos(123_456_789))
        .name("Ünï ☂ \"quoted\" 'name' \\ %_;--")
        .owner("o'brien@example.org")
        .team("blue")
        .scopes(EnumSet.of(Scope.INFERENCE, Scope.MODELS_WRITE))
        .models(ModelAccess.of(List.of("gemma3:*", "llama3.2", "gpt-oss:120b-cloud")))
        .limits(
            new LimitSet(
                new RateLimit(10, Duration.ofMinutes(1), 5),
                new RateLimit(1_000_000_000_000L, Duration.ofDays(365), Integer.MAX_VALUE),
                3,
                Map.of("gemma3", new RateLimit(1, Duration.ofHours(24), 7)),
                CallerCeilings.parse(
                    Map.of(
                        "output_tokens",
                        Long.MAX_VALUE,
                        "keep_alive",
                        "PT5M0.001S",
                        "logprobs",
                        0,
                        "load_only",
                        false)),
                -1_000))
        .budget(new BigDecimal("100.50"), "1mo")
        .alertUsd(new BigDecimal("80.0"))
        .furtherBudgets(
            List.of(
                new KeyBudget(new BigDecimal("7.50"), null, "1d"),
                new KeyBudget(null, 20_000L, "1h"),
                new KeyBudget(BigDecimal.ONE, null, "1d", "gemma3:*")))
        .networks(List.of("10.0.1.0/24", "2001:db8::/32"))
        .expiresAt(time.now().plus(Duration.ofDays(90)))
        .lastUsedAt(time.now().plusSeconds(1))
        .metadata("{\"note\":\"it's \\\"quoted\\\" ☂; --\",\"tags\":[1,null,{}]}")
        .previous(hash(), time.now().plusSeconds(60))
        .build();
  }

  private static KeyRecord there(@Nullable KeyRecord record) {
    assertThat(record).isNotNull();
    if (record == null) {
      throw new AssertionError("no record");
    }
    return record;
  }

  @Test
  void keepsEveryFieldOfARecord() {
    KeyStore store = store();
    KeyRecord full = full("full");
    KeyRecord simple = simple("simple");
    store.create(full);
    store.create(simple);
    assertThat(store.find("full")).isEqualTo(full);
    assertThat(store.find("simple")).isEqualTo(simple);
    assertThat(store.find("none")).isNull();
    assertThat(store.list()).containsExactlyInAnyOrder(full, simple);
  }

  @Test
  void keepsAPriorityThatStandsAlone() {
    KeyStore store = store();
    for (Integer priority : new Integer[] {0, 7, null}) {
      KeyRecord record =
          simple("with-" + priority).toBuilder()
              .limits(LimitSet.CONFIGURED.withPriority(priority))
              .build();
      store.create(record);
      assertThat(there(store.find(record.id())).limits().priority()).isEqualTo(priority);
      store.update(record.toBuilder().limits(LimitSet.CONFIGURED.withPriority(-3)).build());
      assertThat(there(store.find(record.id())).limits().priority()).isEqualTo(-3);
    }
  }

  @Test
  void keepsRecordsWithoutScopesOrModels() {
    KeyStore store = store();
    KeyRecord record =
        simple("a").toBuilder()
            .scopes(Set.of())
            .models(ModelAccess.of(List.of()))
            .budget(new BigDecimal("1E+3"), null)
            .build();
    store.create(record);
    KeyRecord kept = there(store.find("a"));
    assertThat(kept).isEqualTo(record);
    assertThat(kept.scopes()).isEmpty();
    assertThat(kept.models().allows("gemma3")).isFalse();
    assertThat(kept.budgetUsd()).hasToString("1000");
  }

  @Test
  void findsByTheCurrentAndByTheReplacedHash() {
    KeyStore store = store();
    KeyRecord record = full("a");
    store.create(record);
    assertThat(store.findByHash(record.hash())).isEqualTo(record);
    assertThat(store.findByHash(previous(record))).isEqualTo(record);
    assertThat(store.findByHash(hash())).isNull();
  }

  private static KeyHash previous(KeyRecord record) {
    KeyHash previous = record.previousHash();
    assertThat(previous).isNotNull();
    return previous == null ? record.hash() : previous;
  }

  @Test
  void listsOldestFirst() {
    KeyStore store = store();
    List<KeyRecord> made = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      KeyRecord record = simple("k" + (9 - i));
      made.add(record);
      store.create(record);
      time.advance(Duration.ofMillis(1));
    }
    assertThat(store.list()).isEqualTo(made);
  }

  @Test
  void refusesAnIdOrAHashThatIsTaken() {
    KeyStore store = store();
    KeyRecord first = full("first");
    store.create(first);
    long revision = store.revision();
    for (KeyRecord clash :
        List.of(
            simple("first"),
            KeyRecord.builder("b", first.hash(), time.now()).build(),
            KeyRecord.builder("b", previous(first), time.now()).build(),
            KeyRecord.builder("b", hash(), time.now())
                .previous(first.hash(), time.now())
                .build())) {
      assertThatThrownBy(() -> store.create(clash)).isInstanceOf(IllegalArgumentException.class);
    }
    store.create(simple("second"));
    assertThatThrownBy(() -> rotate(store, "second", first.hash(), time.now()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> rotate(store, "second", previous(first), time.now()))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(store.revision()).isEqualTo(revision + 1);
    assertThat(store.list()).hasSize(2);
  }

  @Test
  void anEditChangesWhatMayBeEditedAndNothingElse() {
    KeyStore store = store();
    KeyRecord stored = simple("a");
    store.create(stored);
    KeyRecord edit =
        full("a").toBuilder().state(KeyRecord.State.ACTIVE).lastUsedAt(time.now()).build();
    store.revoke("a");
    assertThat(store.update(edit)).isTrue();
    KeyRecord now = there(store.find("a"));
    assertThat(now.state()).isEqualTo(KeyRecord.State.REVOKED);
    assertThat(now.hash()).isEqualTo(stored.hash());
    assertThat(now.previousHash()).isNull();
    assertThat(now.createdAt()).isEqualTo(stored.createdAt());
    assertThat(now.lastUsedAt()).isNull();
    assertThat(now.name()).isEqualTo(edit.name());
    assertThat(now.owner()).isEqualTo(edit.owner());
    assertThat(now.team()).isEqualTo(edit.team());
    assertThat(now.scopes()).isEqualTo(edit.scopes());
    assertThat(now.models()).isEqualTo(edit.models());
    assertThat(now.limits()).isEqualTo(edit.limits());
    assertThat(now.budgetUsd()).isEqualTo(edit.budgetUsd());
    assertThat(now.budgetWindow()).isEqualTo(edit.budgetWindow());
    assertThat(now.alertUsd()).isEqualTo(edit.alertUsd());
    assertThat(now.furtherBudgets()).isEqualTo(edit.furtherBudgets()).hasSize(3);
    assertThat(now.networks()).isEqualTo(edit.networks());
    assertThat(now.expiresAt()).isEqualTo(edit.expiresAt());
    assertThat(now.metadata()).isEqualTo(edit.metadata()).isNotEqualTo("{}");
    assertThat(store.update(simple("none"))).isFalse();
  }

  /** Rotates whatever key there is. */
  private static boolean rotate(KeyStore store, String id, KeyHash newHash, Instant until) {
    KeyRecord known = store.find(id);
    KeyHash replaced = known == null ? KeyHash.of("none") : known.hash();
    return store.rotate(id, replaced, newHash, until);
  }

  @Test
  void aRotationKeepsTheReplacedKeyUntilItsGraceEnds() {
    KeyStore store = store();
    KeyRecord record = simple("a");
    store.create(record);
    KeyHash second = hash();
    Instant until = time.now().plus(Duration.ofDays(1));
    assertThat(rotate(store, "a", second, until)).isTrue();
    KeyRecord rotated = there(store.find("a"));
    assertThat(rotated.hash()).isEqualTo(second);
    assertThat(rotated.previousHash()).isEqualTo(record.hash());
    assertThat(rotated.previousUntil()).isEqualTo(until);
    assertThat(store.findByHash(record.hash())).isEqualTo(rotated);
    KeyHash third = hash();
    assertThat(rotate(store, "a", third, until)).isTrue();
    assertThat(store.findByHash(record.hash())).isNull();
    assertThat(there(store.findByHash(second)).hash()).isEqualTo(third);
    assertThat(rotate(store, "none", hash(), until)).isFalse();
    KeyRecord now = there(store.find("a"));
    assertThat(store.rotate("a", second, hash(), until)).as("a key that is not there").isFalse();
    assertThat(store.find("a")).isEqualTo(now);
    store.revoke("a");
    assertThat(rotate(store, "a", hash(), until)).isFalse();
  }

  @Test
  void aSecondRotationLeavesThePromisedGraceAloneUnlessAllIsToEndAtOnce() {
    KeyStore store = store();
    KeyIssuer issuer = new KeyIssuer(store, time);
    IssuedKey issued = issuer.issue("a", builder -> builder);
    String id = issued.record().id();
    IssuedKey second = Objects.requireNonNull(issuer.rotate(id, Duration.ofHours(24)));
    KeyRecord rotated = there(store.find(id));
    assertThatThrownBy(() -> issuer.rotate(id, Duration.ofHours(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("grace");
    assertThat(store.find(id)).isEqualTo(rotated);
    assertThat(issuer.rotate(id, Duration.ZERO)).isNotNull();
    assertThat(store.findByHash(issued.key().hash())).isNull();
    assertThat(there(store.find(id)).standing(second.key().hash(), time.now()))
        .isEqualTo(KeyRecord.Standing.SUPERSEDED);
    assertThat(issuer.rotate(id, Duration.ofHours(1))).isNotNull();
  }

  @Test
  void statesMoveOnlyAsTheyMay() {
    KeyStore store = store();
    store.create(simple("a"));
    assertThat(store.unblock("a")).isFalse();
    assertThat(store.block("a")).isTrue();
    assertThat(store.block("a")).isFalse();
    assertThat(there(store.find("a")).state()).isEqualTo(KeyRecord.State.BLOCKED);
    assertThat(store.unblock("a")).isTrue();
    assertThat(there(store.find("a")).state()).isEqualTo(KeyRecord.State.ACTIVE);
    store.block("a");
    assertThat(store.revoke("a")).isTrue();
    assertThat(store.revoke("a")).isFalse();
    assertThat(store.unblock("a")).isFalse();
    assertThat(store.block("a")).isFalse();
    assertThat(there(store.find("a")).state()).isEqualTo(KeyRecord.State.REVOKED);
    assertThat(store.revoke("none")).isFalse();
  }

  @Test
  void aDeletedRecordIsGone() {
    KeyStore store = store();
    KeyRecord record = full("a");
    store.create(record);
    assertThat(store.delete("a")).isTrue();
    assertThat(store.delete("a")).isFalse();
    assertThat(store.find("a")).isNull();
    assertThat(store.findByHash(record.hash())).isNull();
    assertThat(store.findByHash(previous(record))).isNull();
    assertThat(store.list()).isEmpty();
    store.create(record);
    assertThat(store.find("a")).isEqualTo(record);
  }

  @Test
  void timesOfUseOnlyRiseAndChangeNoRevision() {
    KeyStore store = store();
    store.create(simple("a"));
    store.create(simple("b"));
    long revision = store.revision();
    Instant early = time.now().plusSeconds(1);
    Instant late = time.now().plusSeconds(9);
    store.touch(Map.of("a", late, "b", early, "none", late));
    store.touch(Map.of("a", early, "b", late));
    store.touch(Map.of());
    assertThat(there(store.find("a")).lastUsedAt()).isEqualTo(late);
    assertThat(there(store.find("b")).lastUsedAt()).isEqualTo(late);
    assertThat(store.find("none")).isNull();
    assertThat(store.revision()).isEqualTo(revision);
  }

  @Test
  void theRevisionRisesWithEachChangeAndOnlyThen() {
    KeyStore store = store();
    List<Callable<Object>> changes =
        List.of(
            () -> {
              store.create(simple("a"));
              return true;
            },
            () -> store.update(simple("a").toBuilder().name("new").build()),
            () -> rotate(store, "a", hash(), time.now()),
            () -> store.block("a"),
            () -> store.unblock("a"),
            () -> store.revoke("a"),
            () -> store.delete("a"));
    for (Callable<Object> change : changes) {
      long before = store.revision();
      assertThat(call(change)).isEqualTo(true);
      assertThat(store.revision()).isGreaterThan(before);
    }
    long last = store.revision();
    assertThat(store.update(simple("a"))).isFalse();
    assertThat(rotate(store, "a", hash(), time.now())).isFalse();
    assertThat(store.block("a") || store.unblock("a") || store.revoke("a")).isFalse();
    assertThat(store.delete("a")).isFalse();
    assertThat(store.revision()).isEqualTo(last);
  }

  private static Object call(Callable<Object> change) {
    try {
      return change.call();
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void tellsWhatChangedSinceARevision() {
    KeyStore store = store();
    assertThat(store.changesSince(-1).complete()).isTrue();
    store.create(simple("a"));
    store.create(simple("b"));
    KeyStore.Changes all = store.changesSince(-1);
    assertThat(all.complete()).isTrue();
    assertThat(all.records()).hasSize(2);
    assertThat(all.revision()).isEqualTo(store.revision());
    assertThat(store.changesSince(all.revision()))
        .isEqualTo(new KeyStore.Changes(all.revision(), false, List.of()));
    store.block("b");
    KeyStore.Changes one = store.changesSince(all.revision());
    assertThat(one.complete()).isFalse();
    assertThat(one.records()).containsExactly(there(store.find("b")));
    store.delete("a");
    KeyStore.Changes rest = store.changesSince(one.revision());
    assertThat(rest.complete()).isTrue();
    assertThat(rest.records()).containsExactly(there(store.find("b")));
    assertThat(store.changesSince(rest.revision()).complete()).isFalse();
    // a reader from the future, as after a restored backup, gets everything
    assertThat(store.changesSince(rest.revision() + 100).complete()).isTrue();
  }

  @Test
  void hostileStringsAreOnlyStrings() {
    KeyStore store = store();
    store.create(simple("bystander"));
    for (String hostile :
        List.of(
            "' OR '1'='1",
            "'; DROP TABLE llmguard_key; --",
            "\" OR \"\"=\"",
            "a') UNION SELECT hash FROM llmguard_key --",
            "%",
            "_ystander",
            "\\'; --",
            "$1",
            "?")) {
      assertThat(store.find(hostile)).isNull();
      assertThat(store.revoke(hostile)).isFalse();
      assertThat(store.delete(hostile)).isFalse();
      store.touch(Map.of(hostile, time.now()));
      KeyRecord record =
          KeyRecord.builder(hostile, hash(), time.now())
              .name(hostile)
              .owner(hostile)
              .team(hostile)
              .models(ModelAccess.of(List.of(hostile)))
              .budget(BigDecimal.ONE, hostile)
              .build();
      store.create(record);
      assertThat(store.find(hostile)).isEqualTo(record);
      assertThat(store.delete(hostile)).isTrue();
    }
    assertThat(store.list()).hasSize(1);
    assertThat(there(store.find("bystander")).state()).isEqualTo(KeyRecord.State.ACTIVE);
  }

  @Test
  void anyOrderOfChangesEndsAsInMemory() {
    Random choice = new Random(7);
    KeyStore store = store();
    MemoryKeyStore model = new MemoryKeyStore();
    for (int step = 0; step < 250; step++) {
      String id = "k" + choice.nextInt(6);
      KeyHash fresh = hash();
      Instant moment = time.now().plusSeconds(choice.nextInt(1000));
      KeyRecord edit =
          KeyRecord.builder(id, fresh, moment).name("n" + step).expiresAt(moment).build();
      Function<KeyStore, Object> change =
          switch (choice.nextInt(8)) {
            case 0, 1 -> target -> created(target, edit);
            case 2 -> target -> target.update(edit);
            case 3 -> target -> rotate(target, id, fresh, moment);
            case 4 -> target -> target.block(id);
            case 5 -> target -> target.unblock(id);
            case 6 ->
                target -> {
                  target.touch(Map.of(id, moment));
                  return true;
                };
            default ->
                choice.nextInt(3) == 0 ? target -> target.revoke(id) : target -> target.delete(id);
          };
      assertThat(change.apply(store)).as("step %d", step).isEqualTo(change.apply(model));
    }
    assertThat(store.list()).isEqualTo(model.list());
    assertThat(store.revision()).isEqualTo(model.revision());
  }

  private static boolean created(KeyStore store, KeyRecord record) {
    try {
      store.create(record);
      return true;
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  @Test
  void manyWritersLoseNothingAndAReaderMissesNothing() throws Exception {
    KeyStore store = store();
    ExecutorService threads = Executors.newFixedThreadPool(5);
    try (KeyDirectory directory =
        KeyDirectory.builder(store).refreshEvery(Duration.ofMillis(1)).open()) {
      List<Future<Integer>> writers = new ArrayList<>();
      for (int w = 0; w < 4; w++) {
        String prefix = "w" + w + "-";
        writers.add(
            threads.submit(
                () -> {
                  int made = 0;
                  for (int i = 0; i < 20; i++) {
                    store.create(simple(prefix + i));
                    made++;
                    if (i % 4 == 0) {
                      store.revoke(prefix + i);
                    }
                    if (i % 5 == 0 && store.delete(prefix + i)) {
                      made--;
                    }
                  }
                  return made;
                }));
      }
      int made = 0;
      for (Future<Integer> writer : writers) {
        made += writer.get(60, TimeUnit.SECONDS);
      }
      assertThat(made).isEqualTo(64);
      assertThat(store.list()).hasSize(64);
      assertThat(directory.refresh()).isTrue();
      assertThat(directory.health().records()).isEqualTo(64);
      for (KeyRecord record : store.list()) {
        assertThat(directory.find(record.hash()).toCompletableFuture().join())
            .isEqualTo(new KeyLookup.Answer.Found(record));
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
