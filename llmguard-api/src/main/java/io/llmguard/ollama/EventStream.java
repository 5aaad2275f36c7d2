package io.llmguard.ollama;

import io.llmguard.ollama.internal.LiveCall;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;

/**
 * A call that is being answered, event by event. It is iterated once, by one thread, and closed;
 * {@link #cancel} and {@link #close} may be called by any thread at any time, also before the first
 * event, and the server sees it at once. An interrupt of the waiting thread cancels too. Every way
 * but the complete answer ends in an {@link OllamaException} from {@link Iterator#hasNext}.
 *
 * @param <E> the events
 * @param <R> the whole answer
 */
public final class EventStream<E, R> implements Iterable<E>, AutoCloseable {
  private final LiveCall<E, R> call;
  private boolean iterated;

  /**
   * Not for use from outside: streams come from a client.
   *
   * @param call the running call
   */
  public EventStream(LiveCall<E, R> call) {
    this.call = call;
  }

  /**
   * The events as they come.
   *
   * @throws IllegalStateException the second time
   */
  @Override
  public Iterator<E> iterator() {
    if (iterated) {
      throw new IllegalStateException("a stream of events is read once");
    }
    iterated = true;
    return new Iterator<>() {
      private @Nullable E next;

      @Override
      public boolean hasNext() {
        if (next == null) {
          next = call.take();
        }
        return next != null;
      }

      @Override
      public E next() {
        E event = hasNext() ? next : null;
        if (event == null) {
          throw new NoSuchElementException("the answer is complete");
        }
        next = null;
        return event;
      }
    };
  }

  /** The events as a sequential stream, which closes this one. */
  public Stream<E> stream() {
    return StreamSupport.stream(
            Spliterators.spliteratorUnknownSize(
                iterator(), Spliterator.ORDERED | Spliterator.NONNULL),
            false)
        .onClose(this::close);
  }

  /**
   * The whole answer, put together from all events; reads the rest of them first.
   *
   * @throws OllamaException where it does not come to its end
   */
  public R result() {
    return call.await();
  }

  /** The text so far. */
  public String partialText() {
    return call.text();
  }

  /** Gives the call up; the reader gets {@link OllamaException.Cancelled}. */
  public void cancel() {
    call.cancel("the call was cancelled");
  }

  /** Gives the call up if it is not complete. */
  @Override
  public void close() {
    call.cancel("the stream was closed");
  }
}
