package io.llmguard.examples.gateway.server;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/** Gives each call to the {@link Generation} that serves when it comes. Thread-safe. */
final class Generations extends Handler.Abstract {
  private final Set<Generation> open = ConcurrentHashMap.newKeySet();
  private volatile Generation current;

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
        });
    return entered.handler().handle(request, response, callback);
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
