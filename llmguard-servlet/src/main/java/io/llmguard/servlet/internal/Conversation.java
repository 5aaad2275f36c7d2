package io.llmguard.servlet.internal;

import io.llmguard.AnswerEnd;
import io.llmguard.Exchange;
import io.llmguard.GuardRequest;
import io.llmguard.RequestBody;
import io.llmguard.policy.FormStage;
import io.llmguard.wire.CheckedForm;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * One call between a servlet container and the guards that stand in its chain: what the container
 * received, what the chain behind the guards sees, and what is reported to the one exchange.
 */
public final class Conversation implements GuardRequest {
  /** Under what a request carries its conversation. */
  public static final String ATTRIBUTE = Conversation.class.getName();

  private static final String CERTIFICATES = "jakarta.servlet.request.X509Certificate";

  private final HttpServletRequest rawRequest;
  private final HttpServletResponse rawResponse;
  private final RequestHeaders headers;
  private final GuardedRequest request;
  private final GuardedResponse response;
  private final long bodyDeadlineMillis;
  private final boolean mayDispatch;
  private final List<Object> passed = new ArrayList<>(1);

  private @Nullable Exchange exchange;
  private boolean bodyAsked;
  private @Nullable Runnable expiry;
  private volatile boolean bodyPassed;
  private boolean handedOver;
  private volatile boolean awaitingDispatch;
  private volatile boolean clientGone;

  /**
   * The conversation of a call that comes to its first guard.
   *
   * @param bodyDeadlineMillis how long the client may take to send a body that is read here
   * @param mayDispatch true if the chain is run again for asynchronous dispatches; else the
   *     container's thread waits for what comes later
   */
  public Conversation(
      HttpServletRequest rawRequest,
      HttpServletResponse rawResponse,
      long bodyDeadlineMillis,
      boolean mayDispatch) {
    this.rawRequest = rawRequest;
    this.rawResponse = rawResponse;
    this.bodyDeadlineMillis = bodyDeadlineMillis;
    this.mayDispatch = mayDispatch && rawRequest.isAsyncSupported();
    this.headers = new RequestHeaders(rawRequest);
    this.request = new GuardedRequest(this, rawRequest);
    this.response = new GuardedResponse(this, rawResponse);
    rawRequest.setAttribute(ATTRIBUTE, this);
  }

  /** The conversation that a request belongs to, or null before any guard has seen it. */
  public static @Nullable Conversation of(ServletRequest request) {
    return (Conversation) request.getAttribute(ATTRIBUTE);
  }

  // ---- for the filters and the proxy

  /** The exchange, or null before the first guard has admitted the call. */
  public @Nullable Exchange exchange() {
    return exchange;
  }

  /** A guard has admitted the call. */
  public void admitted(Exchange value, Object guard) {
    exchange = value;
    passed.add(guard);
  }

  /** True if this guard has admitted the call already. */
  public boolean passed(Object guard) {
    return passed.contains(guard);
  }

  /** The request that the chain behind the guards sees. */
  public HttpServletRequest request() {
    return request;
  }

  /** The response that the chain behind the guards sees. */
  public HttpServletResponse response() {
    return response;
  }

  /** The request as it came. */
  public HttpServletRequest rawRequest() {
    return rawRequest;
  }

  /** The response on which nothing is reported. */
  public HttpServletResponse rawResponse() {
    return rawResponse;
  }

  /** True if a guard may go on later by an asynchronous dispatch. */
  public boolean mayDispatch() {
    return mayDispatch;
  }

  /** The asynchronous context in which the guards wait; made when it is first asked for. */
  public AsyncContext async() {
    return rawRequest.isAsyncStarted()
        ? rawRequest.getAsyncContext()
        : rawRequest.startAsync(request, response);
  }

  /** The chain is going to be run again; nothing behind the guards may run in between. */
  public void awaitDispatch() {
    awaitingDispatch = true;
  }

  /** The chain is run again, and with it the guards; true for the first that says so. */
  public boolean dispatched() {
    boolean first = awaitingDispatch;
    if (first) {
      awaitingDispatch = false;
      request.asFirstDispatch(true);
    }
    return first;
  }

  boolean awaitingDispatch() {
    return awaitingDispatch;
  }

  /** The time for sending the body is over. */
  public void timedOut() {
    Runnable tell = expiry;
    if (tell != null) {
      tell.run();
    }
  }

  /** The proxy reports the answer and its end from here on. */
  public void handOver() {
    handedOver = true;
  }

  /** The client is gone: a write failed. */
  void clientGone() {
    clientGone = true;
  }

  /** A body broke off under the application that reads it: its client left, or was too slow. */
  IOException bodyBroke(IOException e) {
    if (!(e instanceof SocketTimeoutException) && !(e.getCause() instanceof TimeoutException)) {
      clientGone();
    }
    return e;
  }

  /** The chain has returned; the call has ended unless it goes on asynchronously. */
  public void returned(@Nullable Throwable failure) {
    Exchange call = exchange;
    if (call == null || handedOver) {
      return;
    }
    if (failure != null) {
      request.closeBody();
      failed(call);
    } else if (!rawRequest.isAsyncStarted()) {
      request.closeBody();
      ended(call);
    }
  }

  private void failed(Exchange call) {
    AnswerEnd.failed(clientGone, rawResponse.isCommitted(), 500).report(call);
  }

  private void ended(Exchange call) {
    if (!call.completed()) {
      response.reportHead();
      AnswerEnd.whole(clientGone, rawResponse.getStatus()).report(call);
    }
  }

  /** The chain goes on asynchronously. */
  AsyncContext started(AsyncContext context) {
    request.asFirstDispatch(false);
    context.addListener(new EndListener());
    return context;
  }

  /** Hears how an application's asynchronous answer ends. */
  private final class EndListener implements AsyncListener {
    private boolean timedOut;
    private boolean broken;

    @Override
    public void onComplete(AsyncEvent event) {
      Exchange call = exchange;
      if (call == null || handedOver) {
        return;
      }
      request.closeBody();
      if (broken) {
        failed(call);
      } else if (timedOut) {
        boolean committed = rawResponse.isCommitted();
        new AnswerEnd(clientGone, true, false, committed, rawResponse.getStatus()).report(call);
      } else if (clientGone) {
        AnswerEnd.left().report(call);
      } else {
        ended(call);
      }
    }

    @Override
    public void onTimeout(AsyncEvent event) {
      timedOut = true;
    }

    @Override
    public void onError(AsyncEvent event) {
      broken = true;
      if (event.getThrowable() instanceof IOException) {
        clientGone = true;
      }
    }

    @Override
    public void onStartAsync(AsyncEvent event) {
      event.getAsyncContext().addListener(this);
    }
  }

  // ---- the call as it was received

  @Override
  public String method() {
    return rawRequest.getMethod();
  }

  /** The path within the web application; what it cannot be told from stays as it came. */
  @Override
  public String rawPath() {
    return pathWithin(rawRequest);
  }

  /** The path of a request within its web application, not decoded. */
  static String pathWithin(HttpServletRequest request) {
    String path = request.getRequestURI();
    String application = request.getServletContext().getContextPath();
    return !application.isEmpty()
            && path.startsWith(application)
            && path.startsWith("/", application.length())
        ? path.substring(application.length())
        : path;
  }

  @Override
  public @Nullable String rawQuery() {
    return rawRequest.getQueryString();
  }

  @Override
  public @Nullable String authority() {
    String host = rawRequest.getHeader("Host");
    if (host != null || rawRequest.getProtocol().startsWith("HTTP/1")) {
      return host;
    }
    // HTTP/2 and 3 carry it as :authority, which containers show only in parts
    String name = rawRequest.getServerName();
    int port = rawRequest.getServerPort();
    boolean usual = port == (rawRequest.isSecure() ? 443 : 80);
    return usual || port <= 0 ? name : name + ":" + port;
  }

  @Override
  public boolean secure() {
    return rawRequest.isSecure();
  }

  @Override
  public InetAddress peer() {
    return PeerAddresses.parse(rawRequest.getRemoteAddr());
  }

  @Override
  public RequestHeaders headers() {
    return headers;
  }

  @Override
  public List<X509Certificate> clientCertificates() {
    return rawRequest.getAttribute(CERTIFICATES) instanceof X509Certificate[] chain
        ? List.of(chain)
        : List.of();
  }

  @Override
  public CompletionStage<byte[]> readBody(int maxBytes) {
    askBody();
    long length = rawRequest.getContentLengthLong();
    if (length > maxBytes) {
      return CompletableFuture.failedFuture(new BodyTooLargeException(maxBytes));
    }
    if (length == 0 || (length < 0 && !mayHaveBody())) {
      return CompletableFuture.completedFuture(new byte[0]);
    }
    try {
      BodyReader reading = new BodyReader(rawRequest.getInputStream(), length, maxBytes);
      if (!reading.readAvailable()) {
        if (mayDispatch) {
          async().setTimeout(bodyDeadlineMillis);
          expiry = reading::timedOut;
          rawRequest.getInputStream().setReadListener(reading);
        } else {
          reading.readBlocking(bodyDeadlineNanos());
        }
      }
      return reading.body();
    } catch (IOException e) {
      return CompletableFuture.failedFuture(e);
    }
  }

  long bodyDeadlineNanos() {
    return TimeUnit.MILLISECONDS.toNanos(bodyDeadlineMillis);
  }

  private boolean mayHaveBody() {
    return rawRequest.getHeader("Transfer-Encoding") != null
        || !rawRequest.getProtocol().startsWith("HTTP/1");
  }

  @Override
  public Flow.Publisher<ByteBuffer> streamBody() {
    return new BodyPublisher(this);
  }

  /**
   * Has a body read as it comes, if the call goes on asynchronously, or can for a guard that reads
   * it; false where the container's thread is to read and wait.
   *
   * @param tooLate hears that a guard's time for the body is over
   */
  boolean readsAsynchronously(Runnable tooLate) {
    if (!rawRequest.isAsyncStarted() && mayDispatch) {
      async().setTimeout(bodyDeadlineMillis);
      expiry = tooLate;
    }
    return rawRequest.isAsyncStarted();
  }

  void askBody() {
    if (bodyAsked) {
      throw new IllegalStateException("the body can be read once");
    }
    bodyAsked = true;
  }

  /** True once nothing of the body is left to be read from the container. */
  boolean bodyRead() {
    Exchange call = exchange;
    if (call == null || !(call.body() instanceof RequestBody.PassThrough)) {
      return true;
    }
    if (rawRequest.getContentLengthLong() <= 0
        && rawRequest.getHeader("Transfer-Encoding") == null) {
      return true;
    }
    return bodyPassed;
  }

  /** The last byte of a body that passes through was read. */
  void bodyPassed() {
    bodyPassed = true;
  }

  /** The body that the guards have read and checked, or null if it is still in the container. */
  @Nullable RequestBody checkedBody() {
    Exchange call = exchange;
    if (!bodyAsked || call == null || call.body() instanceof RequestBody.PassThrough) {
      return null;
    }
    return call.body();
  }

  /** The form that the body is, where a guard has read it as one. */
  @Nullable CheckedForm checkedForm() {
    Exchange call = exchange;
    return call == null ? null : call.get(FormStage.CHECKED);
  }
}
