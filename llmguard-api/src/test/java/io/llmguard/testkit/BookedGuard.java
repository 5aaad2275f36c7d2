package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inprocess.KnownCallerStage;
import io.llmguard.limit.ConcurrencyStage;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelStage;
import io.llmguard.wire.RequestReader;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** A guard of an application's own calls that keeps account of them: none may leave anything. */
public final class BookedGuard implements AutoCloseable {
  private final AtomicInteger begun = new AtomicInteger();
  private final AtomicInteger ended = new AtomicInteger();
  private final Set<String> outcomes = ConcurrentHashMap.newKeySet();
  private final ConcurrencyStage concurrency = new ConcurrencyStage(10_000, 10_000);
  private final LateLedger ledger = new LateLedger();
  private final InProcessGuard guard;

  /** A guard that has seen no call. */
  public BookedGuard() {
    Guard stages =
        StandardGuard.builder()
            .stage(
                Place.OBSERVE,
                new EndObserver(
                    (exchange, outcome) -> {
                      outcomes.add(outcome.word());
                      ended.incrementAndGet();
                    },
                    () -> {
                      begun.incrementAndGet();
                      return CompletableFuture.completedFuture(null);
                    }))
            .stage(Place.AUTHENTICATION, new KnownCallerStage())
            .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
            .stage(Place.CALLER_LIMIT, concurrency)
            .stage(Place.BODY, new BodyStage(RequestReader.create(), 1 << 20))
            .stage(Place.MODEL, new ModelStage())
            .stage(Place.BUDGET, ledger.stage())
            .build();
    guard = new InProcessGuard(stages);
  }

  /** The guard itself. */
  public InProcessGuard guard() {
    return guard;
  }

  /**
   * Asserts that each call that came was settled once, whatever else becomes of it, and wholly.
   *
   * @param expected the outcomes that may have been
   */
  public void assertNothingIsLeft(String... expected) {
    Eventually.await(() -> ended.get() >= begun.get() && ledger.reserved() == 0);
    assertThat(ended.get()).isEqualTo(begun.get());
    assertThat(concurrency.underWay()).isZero();
    assertThat(outcomes).isSubsetOf(expected);
  }

  @Override
  public void close() {
    guard.close();
    ledger.close();
  }
}
