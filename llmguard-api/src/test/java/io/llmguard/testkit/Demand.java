package io.llmguard.testkit;

import static io.llmguard.testkit.Eventually.await;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** What a publisher of a chat's events owes to a subscriber that is slow. */
public final class Demand {
  private static final long PIECES = 1_000_000;
  private static final byte[] PIECE = piece();

  private Demand() {}

  private static byte[] piece() {
    String line = "{\"message\":{\"content\":\"x\"},\"done\":false}" + " ".repeat(1000) + "\n";
    return (Integer.toHexString(line.length()) + "\r\n" + line + "\r\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  /** The upstream, which the publisher asks next, stands still until more is asked for. */
  public static void assertReachesDownToTheSocket(
      ReplayUpstream upstream, Flow.Publisher<?> publisher) throws Exception {
    upstream.enqueue(Answer.stream("application/x-ndjson").repeat(PIECE, PIECES));
    Counting<Object> subscriber = new Counting<>();
    publisher.subscribe(subscriber);
    Flow.Subscription subscription = subscriber.subscription.get(20, TimeUnit.SECONDS);
    subscription.request(3);
    ReceivedRequest request = upstream.takeRequest();
    long stood = standing(request);
    assertThat(subscriber.seen).hasValue(3);
    assertThat(stood).isBetween(3L * PIECE.length, 64L * 1024 * 1024);
    subscription.request(50_000);
    await(() -> subscriber.seen.get() == 50_003);
    assertThat(standing(request)).isGreaterThan(stood).isLessThan(PIECES * PIECE.length);
    assertThat(subscriber.seen).hasValue(50_003);
    subscription.cancel();
    request.cancelled().get(20, TimeUnit.SECONDS);
  }

  /** How much was written once nothing more is written for a while. */
  private static long standing(ReceivedRequest request) {
    AtomicLong last = new AtomicLong(-1);
    AtomicInteger same = new AtomicInteger();
    await(
        () -> {
          long now = request.written();
          same.set(now > 0 && last.getAndSet(now) == now ? same.get() + 1 : 0);
          return same.get() == 60;
        });
    return last.get();
  }

  private static final class Counting<T> implements Flow.Subscriber<T> {
    private final AtomicInteger seen = new AtomicInteger();
    private final CompletableFuture<Flow.Subscription> subscription = new CompletableFuture<>();

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription.complete(given);
    }

    @Override
    public void onNext(T event) {
      seen.incrementAndGet();
    }

    @Override
    public void onError(Throwable failure) {
      seen.set(-1);
    }

    @Override
    public void onComplete() {
      seen.set(-1);
    }
  }
}
