package io.llmguard.upstream.internal;

import io.llmguard.upstream.UpstreamRequest.Content;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.concurrent.Flow;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A request body on its way through the JDK's client; tells when all of it is out. */
final class JdkBody implements HttpRequest.BodyPublisher, Flow.Subscriber<ByteBuffer> {
  private final Flow.Publisher<ByteBuffer> source;
  private final long length;
  private final boolean copies;
  private final Runnable sent;
  private final Consumer<IOException> failed;
  private final Executor workers;
  private volatile Flow.@Nullable Subscription subscription;
  private volatile Flow.@Nullable Subscriber<? super ByteBuffer> client;
  private volatile boolean finished;
  private volatile boolean cancelled;
  private long passed;
  private boolean broken;

  private JdkBody(
      Flow.Publisher<ByteBuffer> source,
      long length,
      boolean copies,
      Runnable sent,
      Consumer<IOException> failed,
      Executor workers) {
    this.source = source;
    this.length = length;
    this.copies = copies;
    this.sent = sent;
    this.failed = failed;
    this.workers = workers;
  }

  /**
   * The body, or null where there is none.
   *
   * @param workers what ends a call whose body breaks off
   */
  static @Nullable JdkBody of(
      Content content, Runnable sent, Consumer<IOException> failed, Executor workers)
      throws IOException {
    if (content instanceof Content.Bytes bytes) {
      ByteBuffer all = bytes.bytes().duplicate();
      return new JdkBody(
          s -> new OnePiece(all, s).begin(), all.remaining(), false, sent, failed, workers);
    }
    if (content instanceof Content.InFile file) {
      return new JdkBody(publisher(file.file()), file.length(), false, sent, failed, workers);
    }
    if (content instanceof Content.Streamed streamed) {
      // the client asks for the next piece before the last one has left it
      return new JdkBody(streamed.source(), streamed.length(), true, sent, failed, workers);
    }
    return null;
  }

  private static Flow.Publisher<ByteBuffer> publisher(Path file) throws IOException {
    return HttpRequest.BodyPublishers.ofFile(file);
  }

  /** True once the last piece was handed over. */
  boolean finished() {
    return finished;
  }

  /** Nothing more is wanted of the source. */
  void cancel() {
    cancelled = true;
    Flow.Subscription source = subscription;
    if (source != null && !finished) {
      source.cancel();
    }
  }

  @Override
  public long contentLength() {
    return length;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super ByteBuffer> subscriber) {
    client = subscriber;
    source.subscribe(this);
  }

  @Override
  public void onSubscribe(Flow.Subscription value) {
    subscription = value;
    if (cancelled) {
      value.cancel();
      return;
    }
    downstream().onSubscribe(value);
  }

  @Override
  public void onNext(ByteBuffer piece) {
    if (broken) {
      return; // on its way when the source was cancelled
    }
    passed += piece.remaining();
    if (length >= 0 && passed > length) {
      broken(new IOException("the request's body is longer than announced"));
      return;
    }
    downstream().onNext(copies ? ByteBuffer.allocate(piece.remaining()).put(piece).flip() : piece);
  }

  @Override
  public void onError(Throwable failure) {
    broken(new IOException("the request's body broke off", failure));
  }

  @Override
  public void onComplete() {
    if (length >= 0 && passed < length) {
      broken(new IOException("the request's body is shorter than announced"));
      return;
    }
    finished = true;
    sent.run();
    downstream().onComplete();
  }

  private void broken(IOException failure) {
    broken = true;
    TransportCall.elsewhere(
        workers,
        () -> {
          failed.accept(failure);
          cancel();
          downstream().onError(failure);
        });
  }

  private Flow.Subscriber<? super ByteBuffer> downstream() {
    Flow.Subscriber<? super ByteBuffer> subscriber = client;
    if (subscriber == null) {
      throw new IllegalStateException("not subscribed");
    }
    return subscriber;
  }

  /** A publisher of one piece. */
  private static final class OnePiece implements Flow.Subscription {
    private final ByteBuffer piece;
    private final Flow.Subscriber<? super ByteBuffer> subscriber;
    private boolean done;

    OnePiece(ByteBuffer piece, Flow.Subscriber<? super ByteBuffer> subscriber) {
      this.piece = piece.duplicate();
      this.subscriber = subscriber;
    }

    void begin() {
      subscriber.onSubscribe(this);
    }

    @Override
    public void request(long n) {
      if (!done) {
        done = true;
        subscriber.onNext(piece);
        subscriber.onComplete();
      }
    }

    @Override
    public void cancel() {
      done = true;
    }
  }
}
