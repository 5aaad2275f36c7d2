package io.llmguard.reactive.ollama;

import io.llmguard.auth.Caller;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.policy.ModelAccess;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.BookedGuard;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.reactivestreams.Publisher;
import reactor.core.Disposable;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;
import reactor.core.scheduler.Schedulers;

/** Subscriptions that are cancelled at any moment: each call is settled once and wholly. */
@Timeout(120)
class CancelledAnyMomentTest {
  private static final int CALLS = 500;
  private static final double LATEST_NANOS = TimeUnit.MILLISECONDS.toNanos(3);
  private static final ChatRequest CHAT = ChatRequest.of("gemma3:270m", "Tell me a fact");

  private final Random random = new Random(4714);
  private final BookedGuard books = new BookedGuard();
  private final ReplayUpstream upstream = ReplayUpstream.start();
  private final OllamaClient plain = OllamaClient.create(upstream.uri().toString());
  private final Caller caller =
      Caller.builder(Caller.Kind.OTHER, "job").models(ModelAccess.of(List.of("*"))).build();
  private final GuardedReactiveOllamaClient client =
      GuardedReactiveOllamaClient.over(plain, books.guard(), Mono.just(caller));

  @AfterEach
  void close() {
    plain.close();
    upstream.close();
    books.close();
  }

  private void cancelAtAnyMoment(Publisher<?> call) {
    for (int i = 0; i < CALLS; i++) {
      Disposable asking =
          Flux.from(call).subscribeOn(Schedulers.parallel()).subscribe(event -> {}, e -> {});
      LockSupport.parkNanos((long) (LATEST_NANOS * random.nextDouble() * random.nextDouble()));
      asking.dispose();
    }
  }

  @Test
  void values() {
    upstream.on("POST", "/api/chat", Answer.replay(Recording.of("chat-once")));
    cancelAtAnyMoment(client.chat(CHAT));
    books.assertNothingIsLeft("completed", "client-gone");
  }

  @Test
  void streams() {
    upstream.on("POST", "/api/chat", Answer.replay(Recording.of("chat-stream")));
    cancelAtAnyMoment(client.chatStream(CHAT));
    books.assertNothingIsLeft("completed", "client-gone");
  }
}
