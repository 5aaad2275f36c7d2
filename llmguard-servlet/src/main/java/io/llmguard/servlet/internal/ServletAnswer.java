package io.llmguard.servlet.internal;

import io.llmguard.Exchange;
import io.llmguard.Headers;
import io.llmguard.servlet.internal.Container.Watch;
import io.llmguard.upstream.ClientResponse;
import io.llmguard.upstream.Proxy.ProxiedCall;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * The client's side of a proxied call on a servlet container: asynchronous writes, one at a time,
 * one flush for each piece of a stream.
 *
 * <p>An answer of known length that fits into the container's own buffer is put there and goes out
 * when it ends: no write listener, no thread woken to say that one may write. The lock keeps the
 * container's objects from being touched once the answer is over, when they may serve another call;
 * neither the proxy nor the upstream is called with it held.
 */
public final class ServletAnswer implements ClientResponse, WriteListener, AsyncListener {
  /** Under what a request says that its answer is to be cut. */
  public static final String CUT = ServletAnswer.class.getName() + ".cut";

  /** What a client that left before the head is said to have been answered. */
  private static final int CLIENT_CLOSED_REQUEST = 499;

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
  private final Container container;
  private final AsyncContext context;
  private final HttpServletRequest request;
  private final HttpServletResponse response;

  // guarded by this
  private @Nullable ProxiedCall call;
  private Watch watch = Watch.NONE;
  private @Nullable ServletOutputStream out;
  private boolean buffered;
  private boolean listening;
  private Step step = Step.IDLE;
  private boolean flush;
  private @Nullable ByteBuffer chunk;
  private @Nullable WriteCallback callback;

  /** True while the container owes a call of {@link #onWritePossible}. */
  private boolean waiting;

  private boolean gone;
  private boolean over;

  /** An answer in this asynchronous context. */
  public ServletAnswer(
      Exchange exchange,
      Container container,
      AsyncContext context,
      HttpServletRequest request,
      HttpServletResponse response) {
    this.exchange = exchange;
    this.container = container;
    this.context = context;
    this.request = request;
    this.response = response;
  }

  /** Takes the context over. */
  public void listen() {
    context.setTimeout(0); // the upstream's timers hold, each for its phase
    context.addListener(this);
  }

  /** The call whose answer this is; its client is watched from now on. */
  public void begin(ProxiedCall proxied, Conversation conversation) {
    boolean left;
    synchronized (this) {
      call = proxied;
      left = gone;
      if (!over) {
        watch = container.watch(request, conversation::bodyRead, this::clientLeft);
      }
    }
    if (left) {
      proxied.clientGone();
    }
  }

  // ---- the proxy's side

  @Override
  public synchronized void head(int status, Headers headers) {
    if (over) {
      return;
    }
    response.setStatus(status);
    Headers own = exchange.responseHeaders();
    headers.forEach((name, value) -> put(own, name, value));
    long length = setLength(headers);
    try {
      out = response.getOutputStream();
    } catch (IOException e) {
      return; // the first write finds no stream
    }
    buffered = length >= 0 && length <= response.getBufferSize();
  }

  private void put(Headers own, String name, String value) {
    if (name.equalsIgnoreCase("Content-Length")) {
      return;
    }
    // the filter has put it there already, or the container, whose date is not the answer's
    if (value.equals(own.first(name)) || name.equalsIgnoreCase("Date")) {
      response.setHeader(name, value);
    } else {
      response.addHeader(name, value);
    }
  }

  private long setLength(Headers headers) {
    long length = headers.contentLength();
    if (length >= 0) {
      response.setContentLengthLong(length);
    }
    return length;
  }

  @Override
  public void write(ByteBuffer piece, boolean mustFlush, WriteCallback written) {
    ServletOutputStream stream;
    boolean first = false;
    IOException failed = null;
    boolean taken = false;
    synchronized (this) {
      stream = over || gone ? null : out;
      if (stream != null && buffered && !mustFlush) {
        try {
          ByteBuffers.write(stream, piece);
          taken = true;
        } catch (IOException e) {
          failed = e;
        }
      } else if (stream != null) {
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
    }
    if (taken) {
      written.written();
    } else if (stream == null || failed != null) {
      written.failed(failed != null ? failed : new EOFException("the client is gone"));
      clientLeft();
    } else if (first) {
      listenTo(stream);
    } else {
      advance(stream);
    }
  }

  /** Without the lock: a container may hold one of its own for this, and when it calls back. */
  private void listenTo(ServletOutputStream stream) {
    try {
      stream.setWriteListener(this); // which calls onWritePossible
    } catch (RuntimeException e) {
      clientLeft(); // the container has ended the call
    }
  }

  @Override
  public synchronized void end() {
    if (!over) {
      over = true;
      watch.stop();
      complete();
    }
  }

  @Override
  public synchronized void abort() {
    if (!over) {
      over = true;
      watch.stop();
      cut();
    }
  }

  private void complete() {
    try {
      context.complete();
    } catch (IllegalStateException e) {
      // the container has ended it
    }
  }

  private void cut() {
    try {
      if (!container.cut(response)) {
        request.setAttribute(CUT, true);
        context.dispatch();
      }
    } catch (IllegalStateException e) {
      // the container has ended it
    }
  }

  // ---- the container's side

  @Override
  public void onWritePossible() {
    ServletOutputStream stream;
    synchronized (this) {
      waiting = false;
      stream = out;
    }
    if (stream != null) {
      advance(stream);
    }
  }

  /** Goes as many steps as the container is ready for. */
  private void advance(ServletOutputStream stream) {
    WriteCallback told = null;
    boolean failed = false;
    synchronized (this) {
      try {
        while (!over && step != Step.IDLE && !waiting) {
          if (!stream.isReady()) {
            waiting = true;
          } else if (step == Step.WRITE && chunk != null) {
            step = flush ? Step.FLUSH : Step.ACKNOWLEDGE;
            ByteBuffers.write(stream, chunk);
          } else if (step == Step.FLUSH) {
            step = Step.ACKNOWLEDGE;
            stream.flush();
          } else {
            told = taken();
          }
        }
      } catch (IOException | RuntimeException e) {
        failed = true;
      }
    }
    if (failed) {
      clientLeft();
    } else if (told != null) {
      told.written();
    }
  }

  /** Forgets the piece; answers who is to hear of it. */
  private @Nullable WriteCallback taken() {
    WriteCallback told = callback;
    step = Step.IDLE;
    chunk = null;
    callback = null;
    return told;
  }

  /** Nothing can be written any more, or somebody has seen the client leave. */
  private void clientLeft() {
    WriteCallback told;
    ProxiedCall proxied;
    synchronized (this) {
      if (gone) {
        return;
      }
      gone = true;
      told = taken();
      proxied = call;
    }
    if (told != null) {
      told.failed(new EOFException("the client is gone"));
    }
    if (proxied != null) {
      proxied.clientGone();
    }
    leave();
  }

  private synchronized void leave() {
    if (over) {
      return;
    }
    over = true;
    watch.stop();
    try {
      if (response.isCommitted()) {
        cut();
      } else {
        response.setStatus(CLIENT_CLOSED_REQUEST);
        context.complete();
      }
    } catch (IllegalStateException e) {
      // the container has ended it
    }
  }

  @Override
  public void onError(Throwable t) {
    clientLeft();
  }

  @Override
  public void onError(AsyncEvent event) {
    clientLeft();
  }

  @Override
  public void onComplete(AsyncEvent event) {
    boolean early;
    synchronized (this) {
      early = !over;
      over = true;
      watch.stop();
    }
    if (early) {
      clientLeft(); // the container has ended it
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
