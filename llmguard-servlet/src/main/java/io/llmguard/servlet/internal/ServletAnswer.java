package io.llmguard.servlet.internal;

import io.llmguard.Exchange;
import io.llmguard.Headers;
import io.llmguard.upstream.ClientResponse;
import io.llmguard.upstream.Proxy.ProxiedCall;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of a proxied call on a servlet container: asynchronous writes, one at a time,
 * one flush for each piece of a stream.
 *
 * <p>An answer of known length that fits into the container's own buffer is put there and goes out
 * when it ends: no write listener, no thread woken to say that one may write.
 */
public final class ServletAnswer implements ClientResponse, WriteListener, AsyncListener {
  /** Under what a request says that its answer is to be cut. */
  public static final String ABORT = ServletAnswer.class.getName() + ".abort";

  private enum Step {
    /** Nothing is to be written. */
    IDLE,
    /** The piece is to be written. */
    WRITE,
    /** The piece was written and is to be flushed. */
    FLUSH,
    /** All is done as soon as the container says so. */
    ACKNOWLEDGE
  }

  private final Exchange exchange;
  private final AsyncContext context;
  private final HttpServletRequest request;
  private final HttpServletResponse response;
  private final AtomicBoolean ended = new AtomicBoolean();

  private @Nullable ServletOutputStream out;
  private boolean buffered;
  private boolean listening;

  private final Object lock = new Object();
  private Step step = Step.IDLE;
  private boolean flush;
  private @Nullable ByteBuffer chunk;
  private @Nullable WriteCallback callback;

  /** True while the container owes a call of {@link #onWritePossible}; under the lock. */
  private boolean waiting;

  private volatile @Nullable ProxiedCall call;
  private volatile boolean gone;
  private volatile DisconnectProbe.Watch watch = DisconnectProbe.Watch.NONE;

  /** An answer in this asynchronous context. */
  public ServletAnswer(
      Exchange exchange,
      AsyncContext context,
      HttpServletRequest request,
      HttpServletResponse response) {
    this.exchange = exchange;
    this.context = context;
    this.request = request;
    this.response = response;
    context.setTimeout(0); // the upstream's timers hold, each for its phase
    context.addListener(this);
  }

  /** The call whose answer this is, and how the client is watched meanwhile. */
  public void begin(ProxiedCall proxied, DisconnectProbe probe) {
    call = proxied;
    if (gone) {
      proxied.clientGone();
    } else if (!ended.get()) {
      watch = probe.watch(request, this::clientGone);
      if (ended.get()) {
        watch.stop();
      }
    }
  }

  // ---- the proxy's side

  @Override
  public void head(int status, Headers headers) {
    response.setStatus(status);
    Headers own = exchange.responseHeaders();
    headers.forEach((name, value) -> put(own, name, value));
    long length = lengthOf(headers);
    try {
      out = response.getOutputStream();
    } catch (IOException e) {
      fail(e);
      return;
    }
    buffered = length >= 0 && length <= response.getBufferSize();
  }

  private void put(Headers own, String name, String value) {
    if (name.equalsIgnoreCase("Content-Length")) {
      return;
    }
    if (own.contains(name) && value.equals(own.first(name))) {
      response.setHeader(name, value); // the filter has put it there already
    } else {
      response.addHeader(name, value);
    }
  }

  private long lengthOf(Headers headers) {
    String value = headers.first("Content-Length");
    if (value == null) {
      return -1;
    }
    try {
      long length = Long.parseLong(value);
      response.setContentLengthLong(length);
      return length;
    } catch (NumberFormatException e) {
      return -1;
    }
  }

  @Override
  public void write(ByteBuffer piece, boolean mustFlush, WriteCallback written) {
    ServletOutputStream stream = out;
    if (stream == null || gone) {
      written.failed(new IOException("the client is gone"));
      return;
    }
    if (buffered && !mustFlush) {
      try {
        ByteBuffers.write(stream, piece);
      } catch (IOException e) {
        fail(e);
        written.failed(e);
        return;
      }
      written.written();
      return;
    }
    boolean first;
    synchronized (lock) {
      chunk = piece;
      flush = mustFlush;
      callback = written;
      step = Step.WRITE;
      first = !listening;
      if (first) {
        listening = true;
        waiting = true;
      }
    }
    if (first) {
      try {
        stream.setWriteListener(this); // which calls onWritePossible
      } catch (IllegalStateException e) {
        fail(e); // the container has ended the call
      }
    } else {
      advance(stream);
    }
  }

  @Override
  public void end() {
    if (ended.compareAndSet(false, true)) {
      watch.stop();
      context.complete();
    }
  }

  @Override
  public void abort() {
    if (ended.compareAndSet(false, true)) {
      watch.stop();
      if (gone) {
        context.complete();
      } else {
        request.setAttribute(ABORT, true);
        context.dispatch();
      }
    }
  }

  // ---- the container's side

  @Override
  public void onWritePossible() {
    synchronized (lock) {
      waiting = false;
    }
    ServletOutputStream stream = out;
    if (stream != null) {
      advance(stream);
    }
  }

  /** Goes as many steps as the container is ready for; one thread at a time by its promise. */
  private void advance(ServletOutputStream stream) {
    WriteCallback told = null;
    Throwable failed = null;
    synchronized (lock) {
      try {
        while (step != Step.IDLE && !waiting) {
          if (!stream.isReady()) {
            waiting = true;
            break;
          }
          switch (step) {
            case WRITE -> {
              ByteBuffer piece = chunk;
              step = flush ? Step.FLUSH : Step.ACKNOWLEDGE;
              if (piece != null) {
                ByteBuffers.write(stream, piece);
              }
            }
            case FLUSH -> {
              step = Step.ACKNOWLEDGE;
              stream.flush();
            }
            case ACKNOWLEDGE, IDLE -> {
              step = Step.IDLE;
              told = callback;
              chunk = null;
              callback = null;
            }
          }
        }
      } catch (IOException | RuntimeException e) {
        failed = e;
        told = callback;
        step = Step.IDLE;
        chunk = null;
        callback = null;
      }
    }
    if (failed != null) {
      gone = true;
      if (told != null) {
        told.failed(failed);
      }
      clientGone();
    } else if (told != null) {
      told.written();
    }
  }

  @Override
  public void onError(Throwable t) {
    fail(t);
  }

  private void fail(Throwable t) {
    WriteCallback told;
    synchronized (lock) {
      step = Step.IDLE;
      told = callback;
      callback = null;
      chunk = null;
    }
    gone = true;
    if (told != null) {
      told.failed(t);
    }
    clientGone();
  }

  private void clientGone() {
    gone = true;
    ProxiedCall proxied = call;
    if (proxied != null) {
      proxied.clientGone();
    }
  }

  @Override
  public void onError(AsyncEvent event) {
    Throwable t = event.getThrowable();
    fail(t == null ? new IOException("the client is gone") : t);
    end();
  }

  @Override
  public void onComplete(AsyncEvent event) {
    if (ended.compareAndSet(false, true)) {
      // the container ended it
      watch.stop();
      clientGone();
    }
  }

  @Override
  public void onTimeout(AsyncEvent event) {
    // there is none: the time-out is switched off
  }

  @Override
  public void onStartAsync(AsyncEvent event) {
    // nobody else starts it again
  }
}
