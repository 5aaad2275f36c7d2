package io.llmguard.testkit;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An LLM server made of recordings: a plain HTTP/1.1 upstream with keep-alive on a free loopback
 * port. Thread-safe.
 *
 * <p>A request gets, in this order: the next {@linkplain #enqueue enqueued} answer; the answer set
 * for its method and target by {@link #on}; the recording with the same method, path and body (a
 * HEAD gets the head of the GET); else a 404 whose text begins with {@code no recording}.
 *
 * <pre>{@code
 * try (ReplayUpstream upstream = ReplayUpstream.start()) {
 *   Gate gate = Gate.closed();
 *   upstream.enqueue(Answer.replay(Recording.of("chat-stream")).gateBeforeChunk(2, gate));
 *   … // the client under test reads two chunks, then leaves
 *   upstream.takeRequest().cancelled().get(5, TimeUnit.SECONDS);
 * }
 * }</pre>
 */
public final class ReplayUpstream implements AutoCloseable {
  private static final int DEADLINE_SECONDS = 20;

  private final ServerSocket server;
  private final List<Recording> recordings;
  private final Queue<Answer> enqueued = new ConcurrentLinkedQueue<>();
  private final Map<String, Answer> routes = new ConcurrentHashMap<>();
  private final List<ReceivedRequest> requests = new CopyOnWriteArrayList<>();
  private final BlockingQueue<ReceivedRequest> untaken = new LinkedBlockingQueue<>();
  private final CompletableFuture<ReceivedRequest.Cancellation> cancelled =
      new CompletableFuture<>();
  private final Set<Socket> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger connections = new AtomicInteger();

  // guarded by this
  private long bodyBytes;

  private ReplayUpstream(List<Recording> recordings) throws IOException {
    this.recordings = List.copyOf(recordings);
    this.server = new ServerSocket(0, 1024, InetAddress.getLoopbackAddress());
  }

  /** Starts an upstream that knows all recordings; of two for the same request the first counts. */
  public static ReplayUpstream start() {
    return start(Recording.all());
  }

  /** Starts an upstream that knows these recordings. */
  public static ReplayUpstream start(List<Recording> recordings) {
    try {
      ReplayUpstream upstream = new ReplayUpstream(recordings);
      daemon("replay-upstream-accept", upstream::accept);
      return upstream;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The port on the loopback address. */
  public int port() {
    return server.getLocalPort();
  }

  /** {@code http://127.0.0.1:PORT}. */
  public URI uri() {
    return URI.create("http://127.0.0.1:" + port());
  }

  /** Sets the answer of the next request that has none yet, whatever it is. */
  public ReplayUpstream enqueue(Answer answer) {
    enqueued.add(answer);
    return this;
  }

  /** Sets the answer of every request with this method and raw target. */
  public ReplayUpstream on(String method, String target, Answer answer) {
    routes.put(method + " " + target, answer);
    return this;
  }

  /** All requests so far, in the order of their arrival. */
  public List<ReceivedRequest> requests() {
    return List.copyOf(requests);
  }

  /**
   * Waits for the next request that this method has not handed out yet.
   *
   * @throws AssertionError after 20 seconds without one
   */
  public ReceivedRequest takeRequest() throws InterruptedException {
    ReceivedRequest next = untaken.poll(DEADLINE_SECONDS, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("no request came within " + DEADLINE_SECONDS + " s");
    }
    return next;
  }

  /**
   * Waits until so many bytes of bodies have come, be their requests whole or not.
   *
   * @throws AssertionError after 20 seconds with less
   */
  public void awaitBodyBytes(long count) throws InterruptedException {
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(DEADLINE_SECONDS);
    synchronized (this) {
      while (bodyBytes < count) {
        long millis = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        if (millis <= 0) {
          throw new AssertionError(bodyBytes + " bytes came within " + DEADLINE_SECONDS + " s");
        }
        wait(millis);
      }
    }
  }

  synchronized void bodyBytes(long count) {
    bodyBytes += count;
    notifyAll();
  }

  /** Completes when a client left during an answer: see {@link ReceivedRequest#cancelled()}. */
  public CompletableFuture<ReceivedRequest.Cancellation> cancelled() {
    return cancelled;
  }

  /** How many connections were accepted. */
  public int connections() {
    return connections.get();
  }

  /** How many connections are open now. */
  public int openConnections() {
    return open.size();
  }

  /** Stops listening and closes every connection. */
  @Override
  public void close() {
    try {
      server.close();
      for (Socket socket : open) {
        socket.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  void received(ReceivedRequest request) {
    requests.add(request);
    untaken.add(request);
  }

  void cancelled(ReceivedRequest request, ReceivedRequest.Cancellation cancellation) {
    request.cancelled().complete(cancellation);
    cancelled.complete(cancellation);
  }

  Answer answerTo(ReceivedRequest request) {
    Answer next = enqueued.poll();
    if (next != null) {
      return next;
    }
    Answer routed = routes.get(request.method() + " " + request.target());
    if (routed != null) {
      return routed;
    }
    boolean head = request.method().equals("HEAD");
    byte[] body = request.body().bytes();
    for (Recording recording : recordings) {
      if (recording.method().equals(head ? "GET" : request.method())
          && recording.path().equals(request.target())
          && Arrays.equals(recording.body(), body)) {
        return head ? Answer.headOf(recording) : Answer.replay(recording);
      }
    }
    return Answer.status(404, "text/plain", "no recording for " + request);
  }

  /** Whether the answer that this request will get leaves its body unread. */
  boolean leavesBodyUnread(String method, String target) {
    Answer next = enqueued.peek();
    Answer answer = next != null ? next : routes.get(method + " " + target);
    return answer != null && !answer.readsBody();
  }

  private void accept() {
    try {
      while (!server.isClosed()) {
        Socket socket = server.accept();
        open.add(socket);
        int number = connections.incrementAndGet();
        UpstreamConnection connection = new UpstreamConnection(this, socket, number);
        daemon(
            "replay-upstream-" + number,
            () -> {
              try {
                connection.run();
              } finally {
                open.remove(socket);
              }
            });
      }
    } catch (IOException e) {
      if (!server.isClosed()) {
        throw new UncheckedIOException(e);
      }
    }
  }

  static Thread daemon(String name, Runnable work) {
    Thread thread = new Thread(work, name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }
}
