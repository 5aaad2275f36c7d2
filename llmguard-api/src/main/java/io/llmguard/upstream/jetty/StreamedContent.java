package io.llmguard.upstream.jetty;

import io.llmguard.upstream.UpstreamRequest.Content;
import io.llmguard.upstream.internal.TransportCall;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.eclipse.jetty.client.AsyncRequestContent;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** A request body that is asked for piece by piece, as Jetty gets rid of them. */
final class StreamedContent extends AsyncRequestContent
    implements Flow.Subscriber<ByteBuffer>, Callback {
  private final long length;
  private final Consumer<String> broken;
  private final Executor workers;
  private volatile Flow.@Nullable Subscription source;
  private volatile boolean cancelled;
  private volatile boolean complete;
  private long passed;
  private boolean broke;

  @SuppressWarnings({"NullAway", "this-escape"}) // Jetty takes null for no Content-Type of its own;
  // the source hears of a finished object only: every field is set before
  StreamedContent(Content.Streamed content, Consumer<String> broken, Executor workers) {
    super((String) null);
    this.length = content.length();
    this.broken = broken;
    this.workers = workers;
    content.source().subscribe(this);
  }

  @Override
  public long getLength() {
    return length;
  }

  @Override
  public void onSubscribe(Flow.Subscription subscription) {
    source = subscription;
    if (cancelled) {
      subscription.cancel();
    } else {
      subscription.request(1);
    }
  }

  @Override
  public void onNext(ByteBuffer piece) {
    if (broke) {
      return; // on its way when the source was cancelled
    }
    passed += piece.remaining();
    if (length >= 0 && passed > length) {
      breakOff("the request's body is longer than announced");
      return;
    }
    write(piece, this);
  }

  @Override
  public void onError(Throwable failure) {
    complete = true;
    breakOff("the request's body broke off");
  }

  @Override
  public void onComplete() {
    complete = true;
    if (length >= 0 && passed < length) {
      breakOff("the request's body is shorter than announced");
    } else {
      close();
    }
  }

  private void breakOff(String detail) {
    broke = true;
    TransportCall.elsewhere(
        workers,
        () -> {
          broken.accept(detail);
          fail(new IOException(detail));
          cancelSource();
        });
  }

  /** Jetty has written the piece. */
  @Override
  public void succeeded() {
    Flow.Subscription from = source;
    if (from != null && !cancelled && !complete) {
      from.request(1);
    }
  }

  @Override
  public void failed(Throwable failure) {
    cancelSource();
  }

  void cancelSource() {
    cancelled = true;
    Flow.Subscription from = source;
    if (from != null && !complete) {
      from.cancel();
    }
  }
}
