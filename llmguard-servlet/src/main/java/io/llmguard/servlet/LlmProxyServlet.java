package io.llmguard.servlet;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.servlet.internal.Container;
import io.llmguard.servlet.internal.Conversation;
import io.llmguard.servlet.internal.InitParams;
import io.llmguard.servlet.internal.ServletAnswer;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamRouter;
import io.llmguard.upstream.UpstreamTimeouts;
import io.llmguard.upstream.UpstreamTransport;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.RequestDispatcher;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Carries calls that a guard has admitted to their upstream, and streams the answers back.
 *
 * <p>It stands behind a {@link LlmGuardFilter}, or single filters, and answers 500 without one:
 * nothing is forwarded unguarded. Filters and servlet must support asynchronous processing. No
 * thread waits for an upstream or for a slow client. Paths are those within the web application:
 * behind the context path {@code /llm}, a call of {@code /llm/api/chat} is one of {@code
 * /api/chat}.
 *
 * <p>Init-params, where the container makes it: {@code upstream} (the URL of the LLM server),
 * {@code credential-variable} (the environment variable with what the upstream is shown as {@code
 * Authorization: Bearer}; nothing unless set), {@code connect-timeout}, {@code first-byte-timeout},
 * {@code idle-timeout}, {@code total-timeout} (5s, 10m, 2m, 1h unless set) and {@code
 * cancel-on-client-gone} ({@code true} unless set; {@code false} for a server that does not survive
 * it).
 */
public final class LlmProxyServlet extends HttpServlet {
  private static final long serialVersionUID = 1L;

  /** How long calls may go on when the container takes the servlet out of service. */
  private static final Duration DRAIN = Duration.ofSeconds(5);

  private transient volatile @Nullable Proxy proxy;
  private transient volatile @Nullable UpstreamTransport transport;
  private transient volatile @Nullable Container container;

  /** For the container, which gives the init-params. */
  public LlmProxyServlet() {}

  /** A servlet in front of this proxy, which stays its owner's to drain. */
  public LlmProxyServlet(Proxy proxy) {
    this.proxy = Objects.requireNonNull(proxy);
  }

  /**
   * Reads the init-params, unless a proxy was given.
   *
   * @throws ServletException if one is wrong; it names the servlet, the parameter and the problem
   */
  @Override
  public void init() throws ServletException {
    InitParams params = InitParams.of(getServletConfig());
    try {
      if (proxy == null) {
        String url = params.required("upstream", "the URL of the LLM server");
        UpstreamTimeouts usual = UpstreamTimeouts.DEFAULTS;
        UpstreamTimeouts timeouts =
            new UpstreamTimeouts(
                params.positive("connect-timeout", usual.connect()),
                params.positive("first-byte-timeout", usual.firstByte()),
                params.positive("idle-timeout", usual.idle()),
                params.positive("total-timeout", usual.total()));
        String credential = params.secret("credential-variable");
        boolean cancels = params.flag("cancel-on-client-gone", true);
        params.refuseUnknown();
        open(params, url, timeouts, credential, cancels);
      } else {
        params.refuseUnknown();
      }
    } catch (IllegalArgumentException e) {
      throw new ServletException(e.getMessage(), e);
    }
  }

  private void open(
      InitParams params,
      String url,
      UpstreamTimeouts timeouts,
      @Nullable String credential,
      boolean cancels) {
    UpstreamTransport opened = UpstreamTransport.create(TransportSettings.builder().build());
    try {
      Upstream.Builder upstream =
          Upstream.builder("upstream", URI.create(url), opened)
              .timeouts(timeouts)
              .cancelOnClientGone(cancels);
      if (credential != null) {
        upstream.credential("Authorization", "Bearer " + credential);
      }
      proxy = Proxy.builder(UpstreamRouter.to(upstream.build())).build();
      transport = opened;
    } catch (IllegalArgumentException e) {
      opened.close();
      throw params.wrong("upstream", String.valueOf(e.getMessage()));
    }
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws ServletException, IOException {
    if (request.getDispatcherType() == DispatcherType.ERROR
        || request.getAttribute(RequestDispatcher.ERROR_STATUS_CODE) != null) {
      return; // an error page is no call, be it included: what the container does stays
    }
    Conversation conversation = Conversation.of(request);
    Exchange exchange = conversation == null ? null : conversation.exchange();
    if (conversation == null || exchange == null) {
      throw new ServletException("no guard has admitted this call: put LlmGuardFilter before it");
    }
    HttpServletRequest raw = conversation.rawRequest();
    Proxy ready = proxy;
    if (ready == null) {
      throw new ServletException("this servlet was not initialised");
    }
    Container around = container(raw);
    if (request.getAttribute(ServletAnswer.CUT) != null) {
      // a container cuts the connection of an answer that has begun and whose servlet fails
      response.flushBuffer();
      throw around.cutting();
    }
    conversation.handOver();
    AsyncContext context;
    try {
      context = raw.startAsync(raw, conversation.rawResponse());
    } catch (IllegalStateException e) {
      if (!raw.isAsyncSupported()) {
        exchange.onComplete(Outcome.UPSTREAM_FAILED);
        throw new ServletException("set async-supported for this servlet and all its filters", e);
      }
      exchange.onComplete(Outcome.CLIENT_GONE); // as Tomcat has seen already
      return;
    }
    ServletAnswer answer =
        new ServletAnswer(exchange, around, context, raw, conversation.rawResponse());
    try {
      answer.listen();
      answer.begin(ready.forward(exchange, answer), conversation);
    } catch (RuntimeException | Error e) {
      exchange.onComplete(Outcome.UPSTREAM_FAILED);
      throw e;
    }
  }

  /** The container that this runs on, which only a request tells. */
  private Container container(HttpServletRequest request) {
    Container known = container;
    if (known != null) {
      return known;
    }
    synchronized (this) {
      known = container;
      if (known == null) {
        known = Container.of(request);
        container = known;
      }
      return known;
    }
  }

  /** Closes what init-params had opened, once its calls have ended or had a few seconds for it. */
  @Override
  public void destroy() {
    UpstreamTransport opened = transport;
    Proxy own = proxy;
    if (opened != null && own != null) {
      drain(own);
      opened.close();
    }
    Container known = container;
    if (known != null) {
      known.close();
    }
  }

  private static void drain(Proxy own) {
    try {
      own.drain(DRAIN).toCompletableFuture().get(2 * DRAIN.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LoggerFactory.getLogger(LlmProxyServlet.class)
          .warn("{} calls were under way when the proxy was closed", own.active());
    }
  }
}
