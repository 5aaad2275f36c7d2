package io.llmguard.servlet;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.servlet.internal.Container;
import io.llmguard.servlet.internal.Conversation;
import io.llmguard.servlet.internal.ServletAnswer;
import io.llmguard.upstream.Proxy;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Carries calls that a guard has admitted to their upstream, and streams the answers back.
 *
 * <p>It stands behind a {@link LlmGuardFilter} and answers 500 without one: nothing is forwarded
 * unguarded. Both must be mapped so that asynchronous dispatches reach them. No thread waits for an
 * upstream or for a slow client.
 */
public final class LlmProxyServlet extends HttpServlet {
  private static final long serialVersionUID = 1L;

  private final transient Proxy proxy;
  private transient volatile @Nullable Container container;

  /** A servlet in front of this proxy, which stays its owner's to drain. */
  public LlmProxyServlet(Proxy proxy) {
    this.proxy = Objects.requireNonNull(proxy);
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws ServletException, IOException {
    Conversation conversation = Conversation.of(request);
    Exchange exchange = conversation == null ? null : conversation.exchange();
    if (conversation == null || exchange == null) {
      throw new ServletException("no guard has admitted this call: put LlmGuardFilter before it");
    }
    HttpServletRequest raw = conversation.rawRequest();
    Container around = container(raw);
    if (request.getAttribute(ServletAnswer.CUT) != null) {
      // a container cuts the connection of an answer that has begun and whose servlet fails
      response.flushBuffer();
      throw around.cutting();
    }
    conversation.handOver();
    AsyncContext context = raw.startAsync(raw, conversation.rawResponse());
    ServletAnswer answer =
        new ServletAnswer(exchange, around, context, raw, conversation.rawResponse());
    try {
      answer.listen();
      answer.begin(proxy.forward(exchange, answer), conversation);
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

  @Override
  public void destroy() {
    Container known = container;
    if (known != null) {
      known.close();
    }
  }
}
