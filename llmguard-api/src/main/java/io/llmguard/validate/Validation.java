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
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Tells a reverse proxy whether a call may pass: nginx's {@code auth_request}, Traefik's {@code
 * forwardAuth}, Caddy's {@code forward_auth}, Envoy's {@code ext_authz} over HTTP.
 *
 * <p>The call in question is named by {@code X-Original-Method} and {@code X-Original-URI} (nginx)
 * or {@code X-Forwarded-Method} and {@code X-Forwarded-Uri} (Traefik, Caddy), from trusted proxies
 * only; a method that is not named is the one that its path takes. Or it is named by the question
 * itself, whose own method and path below the place where it is asked are the call's (Envoy's
 * {@code path_prefix}). Proxies pass on what a client sends beside that, so where two of these name
 * different calls the question is refused with 400 {@code call-conflict}, and no client chooses
 * which call is judged. Where none is named only the caller is judged: credential, network and
 * limits.
 *
 * <p>The answer is 204 with {@code X-Llmguard-Caller}, {@code X-Llmguard-Key-Id} and {@code
 * X-Llmguard-Scopes}, or the refusal; to Envoy, which takes nothing else for a yes, it is 200.
 * nginx passes on 401 and 403 only: to it every other refusal is a 403 whose {@code
 * X-Llmguard-Status} holds the real status, beside {@code Retry-After}. The other proxies get the
 * status itself. Bodies are not seen here, so models and budgets are not judged. Thread-safe.
 */
public final class Validation {
  private static final String STATUS = "X-Llmguard-Status";
  private static final Refusal CONFLICT =
      Refusal.of(
          400,
          "call-conflict",
          "the call in question is named in two ways that differ; the proxy in front must remove"
              + " the fields that it does not write");

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

  /**
   * Answers a question that whose own path names no call; see {@link #ask(GuardRequest, String)}.
   */
  public CompletionStage<Answer> ask(GuardRequest question) {
    return ask(question, "");
  }

  /**
   * Answers a question; completed already where no stage had to wait. It never fails.
   *
   * @param pathBelow what follows in its path on the place where it is asked, undecoded: the path
   *     of the call in question, or nothing, or a slash
   */
  public CompletionStage<Answer> ask(GuardRequest question, String pathBelow) {
    List<Named> names = names(question, pathBelow);
    if (names.isEmpty()) {
      return callers.admit(question).thenApply(decided -> answer(decided, 204, false));
    }
    String target = names.get(0).target;
    String method = null;
    for (Named named : names) {
      if (!named.target.equals(target) || differ(named.method, method)) {
        return callers.admit(question).thenApply(decided -> answer(conflict(decided), 204, false));
      }
      method = named.method == null ? method : named.method;
    }
    boolean asIs = names.stream().noneMatch(named -> named.by == By.ORIGINAL);
    int yes = names.stream().anyMatch(named -> named.by == By.PATH) ? 200 : 204;
    return calls
        .admit(new OriginalRequest(question, method == null ? methodOf(target) : method, target))
        .thenApply(decided -> answer(decided, yes, asIs));
  }

  private static boolean differ(@Nullable String one, @Nullable String other) {
    return one != null && other != null && !one.equals(other);
  }

  /** In which way a call is named. */
  private enum By {
    ORIGINAL,
    FORWARDED,
    PATH
  }

  /** A call as it is named. */
  private record Named(By by, String target, @Nullable String method) {}

  private List<Named> names(GuardRequest question, String pathBelow) {
    List<Named> names = new ArrayList<>(2);
    if (proxies.trusts(question.peer())) {
      add(names, By.ORIGINAL, question.headers(), "X-Original-URI", "X-Original-Method");
      add(names, By.FORWARDED, question.headers(), "X-Forwarded-Uri", "X-Forwarded-Method");
    }
    if (pathBelow.length() > 1) {
      String query = question.rawQuery();
      names.add(
          new Named(
              By.PATH, query == null ? pathBelow : pathBelow + '?' + query, question.method()));
    }
    return names;
  }

  /** Each value of a field is a name: of two that differ nobody knows which one the proxy wrote. */
  private static void add(
      List<Named> names, By by, Headers fields, String targets, String methods) {
    List<String> named = fields.all(methods);
    for (String target : fields.all(targets)) {
      if (named.isEmpty()) {
        names.add(new Named(by, target, null));
      }
      named.forEach(method -> names.add(new Named(by, target, method)));
    }
  }

  /** Who asks is judged all the same, so that the refusal counts and is audited. */
  private static Decision conflict(Decision decided) {
    if (decided instanceof Decision.Admit admit) {
      admit.exchange().status(CONFLICT.status());
      admit.exchange().onComplete(Outcome.refused(CONFLICT.reason()));
      return new Decision.Refuse(CONFLICT);
    }
    return decided;
  }

  /** The method that a path takes; all that it takes have the same scope. */
  private String methodOf(String target) {
    int query = target.indexOf('?');
    Match match = catalogue.find("", query < 0 ? target : target.substring(0, query));
    return match instanceof Match.WrongMethod takes ? takes.allowed().iterator().next() : "GET";
  }

  private static Answer answer(Decision decision, int yes, boolean statusAsIs) {
    if (decision instanceof Decision.Admit admit) {
      return admitted(admit.exchange(), yes);
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

  private static Answer admitted(Exchange exchange, int yes) {
    HeaderMap headers = HeaderMap.copyOf(exchange.responseHeaders());
    Caller caller = exchange.caller();
    if (caller != null) {
      describe(headers, caller);
    }
    exchange.status(yes);
    exchange.onComplete(Outcome.COMPLETED);
    return new Answer(yes, headers);
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
