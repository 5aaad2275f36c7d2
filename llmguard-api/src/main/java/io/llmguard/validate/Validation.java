package io.llmguard.validate;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.GuardRequest;
import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.RefusalRenderer;
import io.llmguard.auth.Caller;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointCatalogue.Match;
import io.llmguard.policy.Scope;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;

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
public final class Validation {
  private static final String STATUS = "X-Llmguard-Status";

  private final Guard calls;
  private final Guard callers;
  private final ClientAddressResolver proxies;
  private final EndpointCatalogue catalogue;

  /**
   * The answers of these guards, which stay their owner's to close.
   *
   * @param calls judges a call that was named: without a stage that reads bodies
   * @param callers judges who calls where no call was named: without endpoint policy
   * @param proxies knows whose word is taken
   * @param catalogue the endpoints of {@code calls}
   */
  public Validation(
      Guard calls, Guard callers, ClientAddressResolver proxies, EndpointCatalogue catalogue) {
    this.calls = Objects.requireNonNull(calls);
    this.callers = Objects.requireNonNull(callers);
    this.proxies = Objects.requireNonNull(proxies);
    this.catalogue = Objects.requireNonNull(catalogue);
  }

  /**
   * What the proxy is answered; there is no body.
   *
   * @param status the HTTP status
   * @param headers every field to send
   */
  public record Answer(int status, Headers headers) {}

  /** True if {@link #ask} may block its thread. */
  public boolean blocking() {
    return calls.blocking() || callers.blocking();
  }

  /** Answers a question; completed already where no stage had to wait. It never fails. */
  public CompletionStage<Answer> ask(GuardRequest question) {
    boolean trusted = proxies.trusts(question.peer());
    Headers fields = question.headers();
    String forwarded = trusted ? fields.first("X-Forwarded-Uri") : null;
    String original = trusted ? fields.first("X-Original-URI") : null;
    String target = original != null ? original : forwarded;
    boolean statusAsIs = original == null && forwarded != null;
    CompletionStage<Decision> decision;
    if (target == null) {
      decision = callers.admit(question);
    } else {
      String named = fields.first(original != null ? "X-Original-Method" : "X-Forwarded-Method");
      String method = named == null ? methodOf(target) : named;
      decision = calls.admit(new OriginalRequest(question, method, target));
    }
    return decision.thenApply(decided -> answer(decided, statusAsIs));
  }

  /** The method that a path takes; all that it takes have the same scope. */
  private String methodOf(String target) {
    int query = target.indexOf('?');
    Match match = catalogue.find("", query < 0 ? target : target.substring(0, query));
    return match instanceof Match.WrongMethod takes ? takes.allowed().iterator().next() : "GET";
  }

  private static Answer answer(Decision decision, boolean statusAsIs) {
    if (decision instanceof Decision.Admit admit) {
      return admitted(admit.exchange());
    }
    Refusal refusal = ((Decision.Refuse) decision).refusal();
    int status = refusal.status();
    HeaderMap headers = HeaderMap.copyOf(RefusalRenderer.render(refusal, "").headers());
    headers
        .remove("Content-Type")
        .set(STATUS, Integer.toString(status))
        .set("X-Llmguard-Reason", refusal.reason());
    return new Answer(statusAsIs || status == 401 ? status : 403, headers);
  }

  private static Answer admitted(Exchange exchange) {
    HeaderMap headers = HeaderMap.copyOf(exchange.responseHeaders());
    Caller caller = exchange.caller();
    if (caller != null) {
      describe(headers, caller);
    }
    exchange.status(204);
    exchange.onComplete(Outcome.COMPLETED);
    return new Answer(204, headers);
  }

  private static void describe(HeaderMap headers, Caller caller) {
    headers.set("X-Llmguard-Caller", printable(caller.getName()));
    String keyId = caller.keyId();
    if (keyId != null) {
      headers.set("X-Llmguard-Key-Id", keyId);
    }
    headers.set(
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
