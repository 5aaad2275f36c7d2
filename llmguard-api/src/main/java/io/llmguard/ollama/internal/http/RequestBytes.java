package io.llmguard.ollama.internal.http;

import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** A request as it goes over the wire, its body piece by piece. Not thread-safe. */
final class RequestBytes {
  private static final byte[] END = "0\r\n\r\n".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] LINE = "\r\n".getBytes(StandardCharsets.US_ASCII);

  private final @Nullable Pieces body;
  private final boolean chunked;
  private ByteBuffer @Nullable [] current;

  RequestBytes(HttpRequest request, Origin origin) {
    HttpRequest.BodyPublisher publisher = request.bodyPublisher().orElse(null);
    long length = publisher == null ? 0 : publisher.contentLength();
    chunked = length < 0;
    body = publisher == null || length == 0 ? null : new Pieces();
    StringBuilder head = new StringBuilder(256);
    head.append(request.method())
        .append(' ')
        .append(target(request, origin))
        .append(" HTTP/1.1\r\n");
    head.append("Host: ").append(origin.authority()).append("\r\n");
    if (chunked) {
      head.append("Transfer-Encoding: chunked\r\n");
    } else if (length > 0 || publisher != null) {
      head.append("Content-Length: ").append(length).append("\r\n");
    }
    request
        .headers()
        .map()
        .forEach(
            (name, values) ->
                values.forEach(
                    value -> head.append(name).append(": ").append(value).append("\r\n")));
    head.append("\r\n");
    ByteBuffer start = ByteBuffer.wrap(head.toString().getBytes(StandardCharsets.ISO_8859_1));
    if (body != null && publisher != null) {
      publisher.subscribe(body);
    }
    current = new ByteBuffer[] {start};
  }

  private static String target(HttpRequest request, Origin origin) {
    String path = request.uri().getRawPath();
    String query = request.uri().getRawQuery();
    String relative =
        (path == null || path.isEmpty() ? "/" : path) + (query == null ? "" : "?" + query);
    return origin.forwarded() ? "http://" + origin.authority() + relative : relative;
  }

  /**
   * Sends on; true where all was sent.
   *
   * @throws IOException where the connection or the body's source fails
   */
  boolean send(Connection connection, Runnable progress) throws IOException {
    for (ByteBuffer[] bytes = next(); bytes != null; bytes = next()) {
      long before = remaining(bytes);
      boolean all = connection.write(bytes);
      if (remaining(bytes) < before) {
        progress.run();
      }
      if (!all) {
        return false;
      }
      current = null;
    }
    return true;
  }

  private static long remaining(ByteBuffer[] bytes) {
    long remaining = 0;
    for (ByteBuffer buffer : bytes) {
      remaining += buffer.remaining();
    }
    return remaining;
  }

  private ByteBuffer @Nullable [] next() throws IOException {
    ByteBuffer[] bytes = current;
    if (bytes != null) {
      // the head goes out with the first piece of the body
      if (bytes.length == 1 && body != null && !body.begun) {
        current = joined(bytes[0], body.next());
      }
      return current;
    }
    if (body == null || body.over) {
      return null;
    }
    ByteBuffer piece = body.next();
    current =
        piece == null ? (chunked ? new ByteBuffer[] {ByteBuffer.wrap(END)} : null) : framed(piece);
    return current;
  }

  private ByteBuffer[] joined(ByteBuffer head, @Nullable ByteBuffer piece) {
    if (piece == null) {
      return chunked ? new ByteBuffer[] {head, ByteBuffer.wrap(END)} : new ByteBuffer[] {head};
    }
    ByteBuffer[] framed = framed(piece);
    ByteBuffer[] all = new ByteBuffer[framed.length + 1];
    all[0] = head;
    System.arraycopy(framed, 0, all, 1, framed.length);
    return all;
  }

  private ByteBuffer[] framed(ByteBuffer piece) {
    if (!chunked) {
      return new ByteBuffer[] {piece};
    }
    byte[] size =
        (Integer.toHexString(piece.remaining()) + "\r\n").getBytes(StandardCharsets.US_ASCII);
    return new ByteBuffer[] {ByteBuffer.wrap(size), piece, ByteBuffer.wrap(LINE)};
  }

  void close() {
    if (body != null) {
      body.cancel();
    }
  }

  /** The body's pieces on demand: publishers of bytes and of files give them at once when asked. */
  private static final class Pieces implements Flow.Subscriber<ByteBuffer> {
    private final ArrayDeque<ByteBuffer> pieces = new ArrayDeque<>();
    private Flow.@Nullable Subscription subscription;
    private @Nullable Throwable failure;
    private boolean begun;
    private volatile boolean over;

    /** The next piece that is not empty; null at the end. */
    @Nullable ByteBuffer next() throws IOException {
      begun = true;
      while (true) {
        ByteBuffer piece = pieces.poll();
        if (piece != null) {
          if (piece.hasRemaining()) {
            return piece;
          }
          continue;
        }
        if (failure != null) {
          throw new IOException(
              "the body cannot be read: " + failure.getClass().getSimpleName(), failure);
        }
        if (over) {
          return null;
        }
        Flow.Subscription source = subscription;
        if (source == null) {
          throw new IOException("the body's source gives nothing");
        }
        source.request(1);
        if (pieces.isEmpty() && !over && failure == null) {
          throw new IOException("the body's source gives nothing");
        }
      }
    }

    void cancel() {
      Flow.Subscription source = subscription;
      if (source != null && !over) {
        over = true;
        source.cancel();
      }
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
    }

    @Override
    public void onNext(ByteBuffer piece) {
      pieces.add(piece);
    }

    @Override
    public void onError(Throwable thrown) {
      failure = thrown;
    }

    @Override
    public void onComplete() {
      over = true;
    }
  }
}
