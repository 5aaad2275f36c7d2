package io.llmguard.servlet;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.GuardRequest;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.RefusalRenderer;
import io.llmguard.auth.Caller;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointCatalogue.Match;
import io.llmguard.policy.Scope;
import io.llmguard.servlet.internal.Conversation;
import io.llmguard.servlet.internal.OriginalRequest;
import io.llmguard.servlet.internal.RefusalWriter;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Tells a reverse proxy whether a call may pass: nginx's {@code auth_request}, Traefik's {@code
 * forwardAuth}, Caddy's {@code forward_auth}, Envoy's {@code ext_authz} over HTTP.
 *
 * <p>The call in question is named by {@code X-Original-Method} and {@code X-Original-URI} (nginx)
 * or {@code X-Forwarded-Method} and {@code X-Forwarded-Uri} (Traefik, Caddy), from trusted proxies
 * only; a method that is not named is the one that its path takes. Without them, and from others,
 * only the caller is judged: credential, network and limits.
 *
 * <p>The answer is 204 with {@code X-Llmguard-Caller}, {@code X-Llmguard-Key-Id} and {@code
 * X-Llmguard-Scopes}, or the refusal. nginx passes on 401 and 403 only: to it every other refusal
 * is a 403 whose {@code X-Llmguard-Status} holds the real status, beside {@code Retry-After}. A
 * proxy that names the call in Traefik's and Caddy's way gets the status itself. Bodies are not
 * seen here, so models and budgets are not judged. Thread-safe.
 */
public final class ValidateServlet extends HttpServlet {
  private static final long serialVersionUID = 1L;
  private static final String STATUS = "X-Llmguard-Status";

  private final transient Guard calls;
  private final transient Guard callers;
  private final transient ClientAddressResolver proxies;
  private final transient EndpointCatalogue catalogue;

  /**
   * A servlet.
   *
   * @param calls judges a call that was named: without a stage that reads bodies
   * @param callers judges who calls where no call was named: without endpoint policy
   * @param proxies knows whose word is taken
   * @param catalogue the endpoints of {@code calls}
   */
  public ValidateServlet(
      Guard calls, Guard callers, ClientAddressResolver proxies, EndpointCatalogue catalogue) {
    this.calls = Objects.requireNonNull(calls);
    this.callers = Objects.requireNonNull(callers);
    this.proxies = Objects.requireNonNull(proxies);
    this.catalogue = Objects.requireNonNull(catalogue);
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response) {
    Conversation question = new Conversation(request, response, 1, false);
    boolean trusted = proxies.trusts(question.peer());
    String forwarded = trusted ? request.getHeader("X-Forwarded-Uri") : null;
    String original = trusted ? request.getHeader("X-Original-URI") : null;
    String target = original != null ? original : forwarded;
    boolean statusAsIs = original == null && forwarded != null;
    CompletableFuture<Decision> decision;
    if (target == null) {
      decision = callers.admit(question).toCompletableFuture();
    } else {
      String named =
          request.getHeader(original != null ? "X-Original-Method" : "X-Forwarded-Method");
      decision = calls.admit(original(question, named, target)).toCompletableFuture();
    }
    if (decision.isDone()) {
      answer(response, decision.join(), statusAsIs);
      return;
    }
    AsyncContext context = request.startAsync();
    var unused =
        decision.whenComplete(
            (decided, e) -> {
              if (decided != null) {
                answer(response, decided, statusAsIs);
              } else {
                response.setStatus(500);
              }
              context.complete();
            });
  }

  private GuardRequest original(GuardRequest question, @Nullable String method, String target) {
    return new OriginalRequest(question, method == null ? methodOf(target) : method, target);
  }

  /** The method that a path takes; all that it takes have the same scope. */
  private String methodOf(String target) {
    int query = target.indexOf('?');
    Match match = catalogue.find("", query < 0 ? target : target.substring(0, query));
    return match instanceof Match.WrongMethod takes ? takes.allowed().iterator().next() : "GET";
  }

  private static void answer(HttpServletResponse response, Decision decision, boolean statusAsIs) {
    if (decision instanceof Decision.Admit admit) {
      Exchange exchange = admit.exchange();
      response.setStatus(204);
      RefusalWriter.set(response, exchange.responseHeaders());
      Caller caller = exchange.caller();
      if (caller != null) {
        describe(response, caller);
      }
      exchange.status(204);
      exchange.onComplete(Outcome.COMPLETED);
    } else if (decision instanceof Decision.Refuse refuse) {
      Refusal refusal = refuse.refusal();
      int status = refusal.status();
      RefusalWriter.set(response, RefusalRenderer.render(refusal, "").headers());
      response.setHeader("Content-Type", null);
      response.setHeader(STATUS, Integer.toString(status));
      response.setHeader("X-Llmguard-Reason", refusal.reason());
      response.setStatus(statusAsIs || status == 401 ? status : 403);
    }
  }

  private static void describe(HttpServletResponse response, Caller caller) {
    response.setHeader("X-Llmguard-Caller", printable(caller.getName()));
    if (caller.keyId() != null) {
      response.setHeader("X-Llmguard-Key-Id", caller.keyId());
    }
    response.setHeader(
        "X-Llmguard-Scopes",
        caller.scopes().stream().map(Scope::word).sorted().collect(Collectors.joining(" ")));
  }

  /** The text with every byte that a field value cannot hold percent-encoded (RFC 3986). */
  private static String printable(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      if (b > 0x20 && b < 0x7f && b != '%') {
        out.append((char) b);
      } else {
        out.append('%').append(String.format("%02X", b & 0xff));
      }
    }
    return out.toString();
  }
}
