package io.llmguard.ollama.internal.http;

import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetSocketAddress;
import java.net.ProtocolException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.util.Collections;
import java.util.Iterator;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * One request and its answer. Who reads the answer does the work: {@link #advance} connects, sends
 * and reads as far as it goes at once, and has the reader told when there is more to do. So bytes
 * change no thread between the socket and their reader. One thread at a time reads; {@link #close}
 * is for any thread at any time, and the server sees it at once.
 */
public final class HttpCall {
  /** What came of {@link #advance}. */
  public enum Progress {
    /** Nothing: the reader is told when there is more to do. */
    WAITING,
    /** The answer's head: {@link #status} and {@link #headers}. */
    HEAD,
    /** Bytes of the answer's body, which the sink got. */
    BYTES,
    /** The answer's end. */
    END
  }

  private enum Stand {
    NONE,
    CONNECTING,
    CONNECTED,
    TOO_LATE
  }

  private enum Step {
    OPEN,
    CONNECT,
    TUNNEL,
    TUNNEL_ANSWER,
    HANDSHAKE,
    SEND,
    HEAD,
    BODY,
    END
  }

  private final HttpConnections connections;
  private final HttpRequest request;
  private final @Nullable RequestBody content;
  private final boolean repeatable;
  private final Runnable waiter;
  private final Runnable sent;

  /** The connection while it is this call's. */
  private final AtomicReference<@Nullable Connection> owned = new AtomicReference<>();

  private volatile boolean closed;

  /** Whether the answer is awaited. */
  private volatile boolean awaited;

  /** Whether the connection stands, settled between the reader and the connect time-out. */
  private final AtomicReference<Stand> stand = new AtomicReference<>(Stand.NONE);

  private Step step = Step.OPEN;
  private @Nullable Connection connection;
  private @Nullable ByteBuffer tunnelRequest;
  private Head tunnelHead = new Head();
  private volatile @Nullable RequestBytes bytes;
  private Head head = new Head();
  private Body body = Body.ofLength(0);
  private boolean repeated;

  /** Where else the connection may lead to. */
  private Iterator<InetSocketAddress> addresses = Collections.emptyIterator();

  private boolean answerBegan;
  private boolean allSent;
  private boolean headWhole;

  /**
   * A call that begins with the first {@link #advance}.
   *
   * @param connections where its connection comes from
   * @param request what is asked, but its body
   * @param content its body, or null
   * @param repeatable whether it may be sent again where a kept connection turns out to be closed;
   *     else it gets a connection of its own
   * @param waiter told, on the connections' thread, when there is more to do; must not wait
   * @param sent told when bytes of the request were taken
   */
  public HttpCall(
      HttpConnections connections,
      HttpRequest request,
      @Nullable RequestBody content,
      boolean repeatable,
      Runnable waiter,
      Runnable sent) {
    this.connections = connections;
    this.request = request;
    this.content = content;
    this.repeatable = repeatable;
    this.waiter = waiter;
    this.sent = sent;
  }

  /** The answer's status; 0 before its head. */
  public int status() {
    return head.status();
  }

  /** The answer's fields. */
  public HttpHeaders headers() {
    return head.headers();
  }

  /** Whether there is no connection yet: what the connect time-out is for. */
  public boolean connecting() {
    return stand.get() == Stand.CONNECTING;
  }

  /** Gives up a connection that does not come to stand in time. */
  public void connectTooLate() {
    if (stand.compareAndSet(Stand.CONNECTING, Stand.TOO_LATE)) {
      closeOwned();
      waiter.run();
    }
  }

  /** Whether the request is sent, or answered before it was. */
  public boolean sent() {
    return awaited;
  }

  /**
   * Goes on as far as it goes without waiting.
   *
   * @throws IOException where the connection or the framing fails
   */
  public Progress advance(Sink sink) throws IOException {
    while (true) {
      try {
        return steps(sink);
      } catch (IOException e) {
        IOException failure =
            stand.get() == Stand.TOO_LATE
                ? new HttpConnectTimeoutException("no connection in time")
                : e;
        if (!again()) {
          closeOwned();
          throw failure;
        }
      }
    }
  }

  /** A kept connection may have been closed by the server just when it was taken. */
  private boolean again() {
    Connection current = connection;
    boolean stale = current != null && current.reused() && !answerBegan && !repeated && !closed;
    if (!stale || !repeatable) {
      return false;
    }
    repeated = true;
    closeOwned();
    connection = null;
    head = new Head();
    stand.set(Stand.NONE);
    step = Step.OPEN;
    return true;
  }

  private Progress steps(Sink sink) throws IOException {
    while (true) {
      boolean ahead =
          switch (step) {
            case OPEN -> open();
            case CONNECT -> connect();
            case TUNNEL -> tunnel();
            case TUNNEL_ANSWER -> tunnelAnswer();
            case HANDSHAKE -> handshake();
            case SEND -> send();
            default -> true;
          };
      if (!ahead) {
        return Progress.WAITING;
      }
      if (step == Step.HEAD) {
        return head();
      }
      if (step == Step.BODY || step == Step.END) {
        return body(sink);
      }
    }
  }

  private boolean open() throws IOException {
    Origin origin = origin();
    stand.set(Stand.CONNECTING);
    answerBegan = false;
    allSent = false;
    Connection kept = repeatable && !repeated ? connections.kept(origin) : null;
    if (kept != null) {
      take(kept);
      step = stands(kept);
    } else {
      addresses = connections.addresses(origin).iterator();
      next(origin, new ConnectException("the host has no address"));
      step = Step.CONNECT;
    }
    return true;
  }

  private Origin origin() throws IOException {
    try {
      return Origin.of(request.uri(), connections.proxies());
    } catch (RuntimeException e) {
      // of users' code
      throw new ConnectException("the proxy cannot be chosen: " + e.getClass().getSimpleName());
    }
  }

  /** Begins to connect to the next address that can be tried; where there is none, it failed. */
  private void next(Origin origin, IOException before) throws IOException {
    IOException failure = before;
    while (addresses.hasNext() && !givenUp()) {
      try {
        take(connections.fresh(origin, addresses.next()));
        return;
      } catch (IOException e) {
        failure = e;
      }
    }
    throw failure;
  }

  private boolean givenUp() {
    return closed || stand.get() == Stand.TOO_LATE;
  }

  private void take(Connection made) throws IOException {
    made.waiter(waiter);
    connection = made;
    owned.set(made);
    if (givenUp()) {
      closeOwned();
      throw new IOException("the call was closed");
    }
  }

  private Step stands(Connection current) throws IOException {
    RequestBytes made = new RequestBytes(request, content, current.origin());
    bytes = made;
    if (closed) {
      made.close();
    }
    if (!stand.compareAndSet(Stand.CONNECTING, Stand.CONNECTED)) {
      throw new IOException("the call was closed");
    }
    return Step.SEND;
  }

  private Connection connection() throws IOException {
    Connection current = connection;
    if (current == null || closed) {
      throw new IOException("the call was closed");
    }
    return current;
  }

  private boolean connect() throws IOException {
    Connection current = connection();
    try {
      if (!current.connected()) {
        current.await(SelectionKey.OP_CONNECT);
        return false;
      }
    } catch (IOException e) {
      closeOwned();
      next(current.origin(), e);
      return true;
    }
    step = current.origin().tunnelled() ? Step.TUNNEL : secured(current);
    return true;
  }

  private Step secured(Connection current) throws IOException {
    if (current.origin().secure()) {
      current.secure(new Tls(connections.tls(), current.origin()));
      return Step.HANDSHAKE;
    }
    return stands(current);
  }

  private boolean tunnel() throws IOException {
    Connection current = connection();
    ByteBuffer ask = tunnelRequest;
    if (ask == null) {
      ask = RequestBytes.tunnel(request, current.origin());
      tunnelRequest = ask;
      tunnelHead = new Head();
    }
    if (!current.write(new ByteBuffer[] {ask})) {
      current.await(SelectionKey.OP_WRITE);
      return false;
    }
    tunnelRequest = null;
    step = Step.TUNNEL_ANSWER;
    return true;
  }

  private boolean tunnelAnswer() throws IOException {
    Connection current = connection();
    if (!whole(tunnelHead, current)) {
      return false;
    }
    if (tunnelHead.status() / 100 != 2) {
      throw new ConnectException("the proxy answered " + tunnelHead.status());
    }
    if (current.input().hasRemaining()) {
      // in TLS the client speaks first
      throw new ConnectException("the proxy sent more than its answer");
    }
    step = secured(current);
    return true;
  }

  private boolean handshake() throws IOException {
    Connection current = connection();
    if (!current.handshaken()) {
      return false;
    }
    step = stands(current);
    return true;
  }

  private boolean send() throws IOException {
    Connection current = connection();
    RequestBytes out = bytes;
    allSent = out == null || out.send(current, sent);
    // a server may answer before it has the whole of a body
    if (!allSent && !answered(current)) {
      current.await(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
      return false;
    }
    step = Step.HEAD;
    awaited = true;
    return true;
  }

  private boolean answered(Connection current) throws IOException {
    if (current.fill() < 0) {
      throw new EOFException("the connection ended before the request was sent");
    }
    answerBegan |= current.input().hasRemaining();
    headWhole = head.read(current.input());
    return headWhole;
  }

  private boolean whole(Head wanted, Connection current) throws IOException {
    while (true) {
      if (wanted.read(current.input())) {
        return true;
      }
      int count = current.fill();
      if (count < 0) {
        throw new EOFException("the connection ended before the answer began");
      }
      if (count == 0) {
        current.await(SelectionKey.OP_READ);
        return false;
      }
      answerBegan = true;
    }
  }

  private Progress head() throws IOException {
    Connection current = connection();
    if (!headWhole && !whole(head, current)) {
      return Progress.WAITING;
    }
    if (head.status() == 101) {
      throw new ProtocolException("another protocol than was asked for");
    }
    body = request.method().equals("HEAD") ? Body.ofLength(0) : head.body();
    step = Step.BODY;
    return Progress.HEAD;
  }

  private Progress body(Sink sink) throws IOException {
    if (step == Step.END) {
      return Progress.END;
    }
    Connection current = connection();
    if (body.ended()) {
      ended(current);
      return Progress.END;
    }
    if (!current.input().hasRemaining()) {
      int count = current.fill();
      if (count == 0) {
        current.await(SelectionKey.OP_READ);
        return Progress.WAITING;
      }
      if (count < 0) {
        if (!body.endsWithConnection()) {
          throw new EOFException("the connection ended in the middle of the answer");
        }
        ended(current);
        return Progress.END;
      }
    }
    body.read(current.input(), sink);
    return Progress.BYTES;
  }

  private void ended(Connection current) {
    step = Step.END;
    boolean reusable =
        allSent
            && !body.endsWithConnection()
            && head.keepsConnection()
            && !current.input().hasRemaining();
    if (owned.compareAndSet(current, null)) {
      unused();
      if (reusable) {
        connections.keep(current);
      } else {
        current.close();
      }
    }
  }

  /** The body's source is not read any more. */
  private void unused() {
    RequestBytes out = bytes;
    if (out != null) {
      out.close();
    }
  }

  /** Ends the call, unless its answer has come to its end. */
  public void close() {
    closed = true;
    closeOwned();
  }

  private void closeOwned() {
    Connection current = owned.getAndSet(null);
    if (current != null) {
      current.close();
      unused();
    }
  }
}
