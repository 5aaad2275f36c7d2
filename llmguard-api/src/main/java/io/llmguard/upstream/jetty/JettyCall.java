package io.llmguard.upstream.jetty;

import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.upstream.UpstreamRequest;
import io.llmguard.upstream.UpstreamRequest.Content;
import io.llmguard.upstream.UpstreamTransport.ResponseHandler;
import io.llmguard.upstream.internal.Deadlines;
import io.llmguard.upstream.internal.TransportCall;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.client.ByteBufferRequestContent;
import org.eclipse.jetty.client.Connection;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.PathRequestContent;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.client.Response;
import org.eclipse.jetty.client.Result;
import org.eclipse.jetty.io.Content.Chunk;
import org.eclipse.jetty.io.Content.Source;
import org.jspecify.annotations.Nullable;

/** A call over Jetty's client. */
final class JettyCall extends TransportCall
    implements Request.Listener, Response.ContentSourceListener, Response.CompleteListener {
  /** The most that is gathered into one piece, in bytes: what one read of the network takes. */
  private static final int GATHERED = 16 * 1024;

  private final HttpClient client;
  private final Set<Connection> used;
  private final Runnable pump = this::pump;
  private volatile @Nullable Request message;
  private volatile @Nullable StreamedContent streamed;
  private volatile boolean requestOut;
  private volatile boolean answerBegan;
  private boolean reused;
  private volatile @Nullable Source source;

  /** True once the end of the body was read, be it ahead of what was delivered. */
  private volatile boolean lastRead;

  /** True once all of the body was delivered. */
  private volatile boolean bodyEnded;

  /** True once Jetty is done with the call. */
  private volatile boolean over;

  private @Nullable Chunk chunk;

  /** What was read beyond the piece that was last delivered, or null. */
  private @Nullable Chunk ahead;

  /** True if a look ahead found that nothing more has come yet. */
  private boolean dry;

  private @Nullable ByteBuffer gathering;

  JettyCall(
      HttpClient client,
      Set<Connection> used,
      UpstreamRequest request,
      ResponseHandler handler,
      Deadlines deadlines) {
    super(request, handler, deadlines);
    this.client = client;
    this.used = used;
  }

  void send() {
    UpstreamRequest request = request();
    try {
      Request jetty = client.newRequest(request.uri()).method(request.method());
      jetty.headers(fields -> request.headers().forEach(fields::add));
      Request.Content body = body(request.content());
      if (body != null) {
        jetty.body(body);
      }
      jetty.idleTimeout(0, TimeUnit.MILLISECONDS); // calls have deadlines of their own
      jetty.onRequestListener(this);
      jetty.onResponseBegin(response -> answerBegan = true);
      message = jetty;
      if (!ended()) {
        jetty.send(this); // which makes it the listener of the content, too
      }
    } catch (IOException e) {
      fail(Kind.REQUEST_BODY, "the body's file cannot be read");
    } catch (RuntimeException e) {
      // its message may hold the value of a header
      fail(Kind.CONNECT, "the request cannot be expressed in HTTP");
    }
  }

  private Request.@Nullable Content body(Content content) throws IOException {
    if (content instanceof Content.Bytes bytes) {
      return new ByteBufferRequestContent(NO_TYPE, bytes.bytes().duplicate());
    }
    if (content instanceof Content.InFile file) {
      return new PathRequestContent(NO_TYPE, file.file(), client.getByteBufferPool());
    }
    if (content instanceof Content.Streamed body) {
      StreamedContent made = new StreamedContent(body, this::bodyBroke, client.getExecutor());
      streamed = made;
      return made;
    }
    return null;
  }

  // Jetty takes null for no Content-Type of its own
  @SuppressWarnings("NullAway")
  private static final String NO_TYPE = null;

  private void bodyBroke(String detail) {
    failAndAbort(Kind.REQUEST_BODY, detail);
  }

  // ---- the request on its way

  @Override
  public void onBegin(Request request) {
    reused = !used.add(request.getConnection());
    connected();
    sending();
  }

  @Override
  public void onSuccess(Request request) {
    requestOut = true;
    requestSent();
  }

  // ---- the answer

  @Override
  public void onContentSource(Response response, Source content) {
    source = content;
    if (head(response.getStatus(), new JettyHeaders(response.getHeaders()))) {
      pump();
    }
  }

  @Override
  protected @Nullable ByteBuffer poll() {
    Source content = source;
    while (content != null) {
      Chunk read = next(content);
      if (read == null) {
        content.demand(pump);
        return null;
      }
      if (Chunk.isFailure(read)) {
        fail(read.getFailure());
        return null;
      }
      if (read.hasRemaining()) {
        return ended() ? alone(read) : gathered(content, read);
      }
      read.release();
      if (read.isLast()) {
        lastRead = true;
        bodyEnded = true;
        if (over) {
          end();
        } else if (!requestOut) {
          end();
          if (!small(request().content())) {
            abort(); // what is left of the request need not go out
          }
        } // else the connection is free for the next call first: see onComplete
        return null;
      }
    }
    return null;
  }

  private @Nullable Chunk next(Source content) {
    Chunk read = ahead;
    ahead = null;
    if (read != null) {
      return read;
    }
    boolean nothing = dry;
    dry = false;
    return nothing ? null : content.read();
  }

  private ByteBuffer alone(Chunk read) {
    chunk = read;
    return read.getByteBuffer();
  }

  /**
   * What has come already as one piece, however many chunks the upstream made of it: one write and
   * one flush to the client in place of one for each. Waits for nothing.
   */
  private ByteBuffer gathered(Source content, Chunk first) {
    if (first.isLast() || first.remaining() >= GATHERED) {
      return alone(first);
    }
    Chunk more = content.read();
    if (!fits(more, GATHERED - first.remaining())) {
      lookedAhead(more);
      return alone(first);
    }
    ByteBuffer all = gathering;
    if (all == null) {
      all = ByteBuffer.allocate(GATHERED);
      gathering = all;
    }
    all.clear().put(first.getByteBuffer());
    first.release();
    while (more != null && fits(more, all.remaining())) {
      all.put(more.getByteBuffer());
      more.release();
      more = content.read();
    }
    lookedAhead(more);
    return all.flip();
  }

  private void lookedAhead(@Nullable Chunk found) {
    lastRead |= found != null && found.isLast() && !Chunk.isFailure(found);
    ahead = found;
    dry = found == null;
  }

  private static boolean fits(@Nullable Chunk read, int room) {
    return read != null
        && !Chunk.isFailure(read)
        && read.hasRemaining()
        && read.remaining() <= room;
  }

  private static boolean small(Content content) {
    return content instanceof Content.None
        || (content instanceof Content.Bytes bytes && bytes.bytes().remaining() < 1 << 16);
  }

  @Override
  protected void release() {
    Chunk held = chunk;
    chunk = null;
    if (held != null) {
      held.release();
    }
  }

  @Override
  public void onComplete(Result result) {
    if (result.isSucceeded() || lastRead) {
      over = true;
      if (bodyEnded || source == null) {
        end();
      } // else the last piece is with the handler, or on its way: see poll
      return;
    }
    if (isStale(result)) {
      requestOut = false;
      reconnecting();
      send();
      return;
    }
    Throwable failure = result.getResponseFailure();
    fail(failure == null ? result.getFailure() : failure);
  }

  /** True if a kept connection turned out to be closed. */
  private boolean isStale(Result result) {
    return reused && !answerBegan && result.getFailure() instanceof IOException && repeats();
  }

  @Override
  protected void finished() {
    StreamedContent body = streamed;
    if (body != null) {
      body.cancelSource();
    }
  }

  @Override
  protected void abort() {
    Request sent = message;
    if (sent != null) {
      var unused = sent.abort(new CancellationException());
    }
  }
}
