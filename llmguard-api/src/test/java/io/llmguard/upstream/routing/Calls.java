package io.llmguard.upstream.routing;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.HeaderMap;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import io.llmguard.upstream.AttemptResult;
import io.llmguard.upstream.Placement;
import io.llmguard.upstream.Route;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamFailure;
import io.llmguard.upstream.UpstreamFailure.Kind;
import io.llmguard.upstream.UpstreamRequest;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.wire.RequestReader;
import io.llmguard.wire.ResponseMeter;
import io.llmguard.wire.Usage;
import java.net.URI;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Admitted calls for a router, and their ends; nothing is sent. */
final class Calls {
  private final ManualTime time;

  Calls(ManualTime time) {
    this.time = time;
  }

  static Upstream.Builder upstreamBuilder(String name) {
    UpstreamTransport unused =
        new UpstreamTransport() {
          @Override
          public UpstreamCall send(UpstreamRequest request, ResponseHandler handler) {
            throw new AssertionError("a router sends nothing");
          }

          @Override
          public void close() {}
        };
    return Upstream.builder(name, URI.create("http://127.0.0.1:9"), unused);
  }

  static Upstream upstream(String name) {
    return upstreamBuilder(name).build();
  }

  static TestRequest chat(String model, String text) {
    return TestRequest.post(
        "/api/chat",
        "{\"model\":\""
            + model
            + "\",\"messages\":[{\"role\":\"user\",\"content\":\""
            + text
            + "\"}]}");
  }

  Exchange of(String caller, TestRequest request, String... models) {
    return of(
        Caller.builder(Caller.Kind.OTHER, caller)
            .scopes(Set.of(Scope.ADMIN))
            .models(models.length == 0 ? ModelAccess.ALL : ModelAccess.of(List.of(models)))
            .build(),
        request);
  }

  Exchange of(Caller who, TestRequest request) {
    Stage known =
        new Stage() {
          @Override
          public String name() {
            return "known";
          }

          @Override
          public CompletionStage<Decision> decide(Exchange exchange) {
            exchange.caller(who);
            return exchange.admit();
          }
        };
    Guard guard =
        Guard.builder()
            .time(time)
            .stage(known)
            .stage(new EndpointStage(EndpointCatalogue.standard()))
            .stage(new BodyStage(RequestReader.create(), 100_000))
            .meters((exchange, status, headers) -> new Told())
            .build();
    Decision decision = guard.admit(request).toCompletableFuture().join();
    return ((Decision.Admit) decision).exchange();
  }

  Exchange chatOf(String caller, String model) {
    return of(caller, chat(model, "hello"));
  }

  static Placement placement(Route route) {
    return Objects.requireNonNull(((Route.To) route).placement());
  }

  static String server(Route route) {
    return ((Route.To) route).upstream().name();
  }

  /** Ends a call with a whole answer that used so many tokens. */
  static void ended(Exchange exchange, Route route, long input, long output) {
    ended(exchange, route, input, output, 1_000_000);
  }

  static void ended(Exchange exchange, Route route, long input, long output, long nanos) {
    exchange.onResponseHead(200, new HeaderMap());
    ((Told) exchange.meter()).usage = Usage.reported(input, output);
    placement(route).ended(new AttemptResult(null, 200, 1, nanos, null));
  }

  static void failed(Route route, Kind kind) {
    placement(route)
        .ended(new AttemptResult(new UpstreamFailure(kind, "test"), 0, -1, 1_000_000, null));
  }

  static void answered(Route route, int status) {
    placement(route).ended(new AttemptResult(null, status, 1, 1_000_000, null));
  }

  /** A meter that says what the test says. */
  private static final class Told implements ResponseMeter {
    private @Nullable Usage usage;

    @Override
    public void accept(ByteBuffer bytes) {}

    @Override
    public boolean finished() {
      return true;
    }

    @Override
    public boolean failed() {
      return false;
    }

    @Override
    public @Nullable Usage usage() {
      return usage;
    }

    @Override
    public long outputEvents() {
      return 0;
    }
  }
}
