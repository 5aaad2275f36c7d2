package io.llmguard.inprocess;

import io.llmguard.auth.Caller;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.policy.ModelAccess;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.BookedGuard;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Applications that give their calls up at any moment: each is settled once and wholly. */
@Timeout(120)
class CancelledAnyMomentTest {
  private static final int CALLS = 500;
  private static final double LATEST_NANOS = TimeUnit.MILLISECONDS.toNanos(3);
  private static final ChatRequest CHAT = ChatRequest.of("gemma3:270m", "Tell me a fact");

  private final Random random = new Random(4713);
  private final BookedGuard books = new BookedGuard();
  private final ReplayUpstream upstream = ReplayUpstream.start();
  private final OllamaClient client = OllamaClient.create(upstream.uri().toString());
  private final Caller caller =
      Caller.builder(Caller.Kind.OTHER, "job").models(ModelAccess.of(List.of("*"))).build();
  private final GuardedOllamaClient guarded =
      new GuardedOllamaClient(client, books.guard(), () -> caller);

  @AfterEach
  void close() {
    client.close();
    upstream.close();
    books.close();
  }

  private void anyMoment() {
    LockSupport.parkNanos((long) (LATEST_NANOS * random.nextDouble() * random.nextDouble()));
  }

  @Test
  void futures() {
    upstream.on("POST", "/api/chat", Answer.replay(Recording.of("chat-once")));
    for (int i = 0; i < CALLS; i++) {
      CompletableFuture<ChatResponse> answer = guarded.chatAsync(CHAT);
      anyMoment();
      answer.cancel(true);
    }
    books.assertNothingIsLeft("completed", "client-gone", "upstream-failed");
  }

  @Test
  void streamsThatAreClosed() throws Exception {
    upstream.on("POST", "/api/chat", Answer.replay(Recording.of("chat-stream")));
    ExecutorService readers = Executors.newCachedThreadPool();
    try {
      for (int i = 0; i < CALLS; i++) {
        GuardedStream<ChatResponse, ChatResponse> stream = guarded.chatStream(CHAT);
        Future<?> reading =
            readers.submit(
                () -> {
                  for (ChatResponse unused : stream) {}
                });
        anyMoment();
        stream.close();
        try {
          reading.get(20, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
          // who reads is told that the stream was closed
        }
      }
    } finally {
      readers.shutdownNow();
    }
    books.assertNothingIsLeft("completed", "client-gone");
  }

  @Test
  void callsThatAreInterrupted() throws Exception {
    upstream.on("POST", "/api/chat", Answer.replay(Recording.of("chat-once")));
    for (int i = 0; i < CALLS; i++) {
      Thread asking =
          new Thread(
              () -> {
                try {
                  guarded.chat(CHAT);
                } catch (RuntimeException e) {
                  // it was interrupted
                }
              });
      asking.start();
      anyMoment();
      asking.interrupt();
      asking.join(TimeUnit.SECONDS.toMillis(20));
    }
    books.assertNothingIsLeft("completed", "client-gone", "upstream-failed");
  }
}
