package io.llmguard.servlet;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.servlet.internal.Conversation;
import io.llmguard.servlet.internal.DisconnectProbe;
import io.llmguard.servlet.internal.ServletAnswer;
import io.llmguard.upstream.Proxy;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Objects;

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
  private final transient DisconnectProbe probe;

  /** A servlet in front of this proxy, which stays its owner's to drain. */
  public LlmProxyServlet(Proxy proxy) {
    this.proxy = Objects.requireNonNull(proxy);
    this.probe = DisconnectProbe.NONE;
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws ServletException, IOException {
    if (request.getAttribute(ServletAnswer.ABORT) != null) {
      response.flushBuffer();
      // a container cuts the connection of an answer under way whose servlet fails
      throw new ServletException("the upstream's answer broke off");
    }
    Conversation conversation = Conversation.of(request);
    Exchange exchange = conversation == null ? null : conversation.exchange();
    if (conversation == null || exchange == null) {
      throw new ServletException("no guard has admitted this call: put LlmGuardFilter before it");
    }
    conversation.handOver();
    HttpServletRequest raw = conversation.rawRequest();
    AsyncContext context = raw.startAsync(raw, conversation.rawResponse());
    ServletAnswer answer = new ServletAnswer(exchange, context, raw, conversation.rawResponse());
    try {
      answer.begin(proxy.forward(exchange, answer), probe);
    } catch (RuntimeException | Error e) {
      exchange.onComplete(Outcome.UPSTREAM_FAILED);
      throw e;
    }
  }
}
