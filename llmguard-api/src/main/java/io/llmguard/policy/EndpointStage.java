package io.llmguard.policy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.GuardRequest;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.policy.Endpoint.BodyKind;
import io.llmguard.policy.EndpointCatalogue.Match;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Lets a call pass if its method and path are in the catalogue and its caller has the scope.
 *
 * <p>Refuses with 400 {@code malformed-path} a path that could be read in two ways, 404 {@code
 * unknown-path}, 405 {@code method-not-allowed} with {@code Allow}, 403 {@code scope-missing}, and
 * 400 {@code unexpected-body} where none belongs. Where nobody was authenticated, which is the
 * choice of whoever assembled the guard, a call may do what {@link Scope#DEFAULTS} allow.
 */
public final class EndpointStage implements Stage {
  private final EndpointCatalogue catalogue;

  /** A stage over a catalogue. */
  public EndpointStage(EndpointCatalogue catalogue) {
    this.catalogue = catalogue;
  }

  @Override
  public String name() {
    return "endpoint";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    GuardRequest request = exchange.request();
    String path = RequestPath.normalise(request.rawPath());
    if (path == null) {
      return exchange.refuse(
          Refusal.of(
              400, "malformed-path", "the path of the request can be read in more than one way"));
    }
    exchange.path(path);
    Match match = catalogue.find(request.method(), path);
    if (match instanceof Match.Found found) {
      return decide(exchange, found.endpoint());
    }
    if (match instanceof Match.WrongMethod wrong) {
      String allowed = String.join(", ", wrong.allowed());
      return exchange.refuse(
          Refusal.of(405, "method-not-allowed", "this path takes " + allowed + " only")
              .with("Allow", allowed));
    }
    return exchange.refuse(
        Refusal.of(404, "unknown-path", "there is nothing at this path that may be called"));
  }

  private static CompletionStage<Decision> decide(Exchange exchange, Endpoint endpoint) {
    exchange.endpoint(endpoint);
    Scope scope = endpoint.scope();
    if (scope != null && !scope.grantedBy(scopesOf(exchange.caller()))) {
      return exchange.refuse(
          Refusal.of(403, "scope-missing", "this call takes a credential with scope " + scope));
    }
    if (endpoint.body() == BodyKind.NONE && announcesBody(exchange.request())) {
      return exchange.refuse(
          Refusal.of(400, "unexpected-body", "this call takes no request body; leave it away"));
    }
    return exchange.admit();
  }

  private static Set<Scope> scopesOf(@Nullable Caller caller) {
    return caller == null ? Scope.DEFAULTS : caller.scopes();
  }

  private static boolean announcesBody(GuardRequest request) {
    if (request.headers().contains("Transfer-Encoding")) {
      return true;
    }
    String length = request.headers().first("Content-Length");
    return length != null && !length.equals("0");
  }
}
