package io.llmguard.inprocess;

import io.llmguard.ollama.EventStream;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.internal.Assembler;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A guarded call that is being answered, event by event, like an {@link EventStream}: iterated
 * once, by one thread, and closed. The call is settled with what the last event reports; with what
 * has passed, estimated, where it is given up or breaks off before. What its content guards refuse
 * ends it with {@link CallRefusedException}, and the server is told to stop.
 *
 * @param <E> the events
 * @param <R> the whole answer
 */
public final class GuardedStream<E, R> implements Iterable<E>, AutoCloseable {
  private final EventStream<E, R> stream;
  private final GuardedCall call;
  private final AnswerInspector<E> inspector;
  private final @Nullable Assembler<E, R> shown;
  private final Function<? super R, Metrics> used;
  private final AtomicLong passed = new AtomicLong();
  private final Deque<E> ready = new ArrayDeque<>();
  private @Nullable Iterator<E> events;
  private boolean iterated;
  private boolean ended;

  /**
   * A guarded stream.
   *
   * @param shown puts together what may be shown; null where all of it may
   */
  GuardedStream(
      EventStream<E, R> stream,
      GuardedCall call,
      AnswerInspector<E> inspector,
      @Nullable Assembler<E, R> shown,
      Function<? super R, Metrics> used) {
    this.stream = stream;
    this.call = call;
    this.inspector = inspector;
    this.shown = shown;
    this.used = used;
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
      @Override
      public boolean hasNext() {
        while (ready.isEmpty() && !ended) {
          advance();
        }
        return !ready.isEmpty();
      }

      @Override
      public E next() {
        if (!hasNext()) {
          throw new NoSuchElementException("the answer is complete");
        }
        return ready.remove();
      }
    };
  }

  private void advance() {
    Iterator<E> source = events;
    if (source == null) {
      source = stream.iterator();
      events = source;
    }
    try {
      if (source.hasNext()) {
        E event = source.next();
        passed.incrementAndGet();
        show(inspector.next(event));
      } else {
        show(inspector.end());
        ended = true;
        call.answered(used.apply(stream.result()));
      }
    } catch (OllamaException e) {
      throw failed(e);
    } catch (CallRefusedException e) {
      ended = true;
      stream.close();
      call.truncated(passed.get());
      throw e;
    }
  }

  private void show(List<E> events) {
    ready.addAll(events);
    Assembler<E, R> assembler = shown;
    if (assembler != null) {
      synchronized (assembler) {
        events.forEach(assembler::add);
      }
    }
  }

  /**
   * The whole answer, put together from all events; reads the rest of them first.
   *
   * @throws OllamaException where it does not come to its end
   * @throws CallRefusedException where it may not be shown
   */
  public R result() {
    Assembler<E, R> assembler = shown;
    if (assembler != null) {
      while (!ended) {
        advance();
        ready.clear();
      }
      return assembler.result();
    }
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
    Assembler<E, R> assembler = shown;
    if (assembler == null) {
      return stream.partialText();
    }
    synchronized (assembler) {
      return assembler.text();
    }
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
