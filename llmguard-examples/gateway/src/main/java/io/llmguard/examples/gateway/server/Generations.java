package io.llmguard.examples.gateway.server;

import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Gives each call to the {@link Generation} that serves when it comes. Thread-safe. */
final class Generations extends Handler.Abstract {
  private final Set<Generation> open = ConcurrentHashMap.newKeySet();
  private final CompletableFuture<Void> quiet = new CompletableFuture<>();
  private volatile Generation current;
  private volatile boolean stopping;

  /** A handler that begins with this one. */
  Generations(Generation first) {
    current = first;
    open.add(first);
  }

  Generation current() {
    return current;
  }

  /** Has calls that come from now on served by another; those under way stay where they are. */
  void replace(Generation next) throws Exception {
    next.start(getServer());
    Generation before = current;
    open.add(next);
    current = next;
    if (before.endFor(next)) {
      close(before);
    }
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) throws Exception {
    Generation mine = current;
    while (!mine.enter()) {
      mine = current;
    }
    Generation entered = mine;
    Request.addCompletionListener(
        request,
        failure -> {
          if (entered.leave()) {
            close(entered);
          }
          if (stopping) {
            beQuiet();
          }
        });
    return entered.handler().handle(request, response, callback);
  }

  /**
   * Completes when no call is under way: of each the last byte of its answer has been written,
   * which is later than its settling.
   */
  CompletionStage<Void> quiet() {
    stopping = true;
    beQuiet();
    return quiet;
  }

  private void beQuiet() {
    if (open.stream().allMatch(Generation::isQuiet)) {
      quiet.complete(null);
    }
  }

  /** Not on the thread of the call that was its last: that call still stands in its pages. */
  private void close(Generation ended) {
    getServer()
        .getThreadPool()
        .execute(
            () -> {
              if (open.remove(ended)) {
                ended.close();
              }
            });
  }

  @Override
  protected void doStart() throws Exception {
    current.start(getServer());
    super.doStart();
  }

  @Override
  protected void doStop() throws Exception {
    super.doStop();
    for (Generation generation : Set.copyOf(open)) {
      if (open.remove(generation)) {
        generation.close();
      }
    }
  }
}
