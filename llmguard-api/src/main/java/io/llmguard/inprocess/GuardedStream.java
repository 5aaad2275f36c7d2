package io.llmguard.inprocess;

import io.llmguard.ollama.EventStream;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.OllamaException;
import java.util.Iterator;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;

/**
 * A guarded call that is being answered, event by event, like an {@link EventStream}: iterated
 * once, by one thread, and closed. The call is settled with what the last event reports; with what
 * has passed, estimated, where it is given up or breaks off before.
 *
 * @param <E> the events
 * @param <R> the whole answer
 */
public final class GuardedStream<E, R> implements Iterable<E>, AutoCloseable {
  private final EventStream<E, R> stream;
  private final GuardedCall call;
  private final Function<? super R, Metrics> used;
  private final AtomicLong passed = new AtomicLong();

  GuardedStream(EventStream<E, R> stream, GuardedCall call, Function<? super R, Metrics> used) {
    this.stream = stream;
    this.call = call;
    this.used = used;
  }

  /**
   * The events as they come.
   *
   * @throws IllegalStateException the second time
   */
  @Override
  public Iterator<E> iterator() {
    Iterator<E> events = stream.iterator();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        boolean more;
        try {
          more = events.hasNext();
        } catch (OllamaException e) {
          throw failed(e);
        }
        if (!more) {
          result();
        }
        return more;
      }

      @Override
      public E next() {
        E event;
        try {
          event = events.next();
        } catch (OllamaException e) {
          throw failed(e);
        }
        passed.incrementAndGet();
        return event;
      }
    };
  }

  /**
   * The whole answer, put together from all events; reads the rest of them first.
   *
   * @throws OllamaException where it does not come to its end
   */
  public R result() {
    R whole;
    try {
      whole = stream.result();
    } catch (OllamaException e) {
      throw failed(e);
    }
    call.answered(used.apply(whole));
    return whole;
  }

  private OllamaException failed(OllamaException e) {
    if (e instanceof OllamaException.Cancelled) {
      call.abandoned(passed.get());
    } else {
      call.truncated(passed.get());
    }
    return e;
  }

  /** The text so far. */
  public String partialText() {
    return stream.partialText();
  }

  /** Gives the call up; the reader gets {@link OllamaException.Cancelled}. */
  public void cancel() {
    stream.cancel();
    call.abandoned(passed.get());
  }

  /** Gives the call up if it is not complete. */
  @Override
  public void close() {
    stream.close();
    call.abandoned(passed.get());
  }
}
