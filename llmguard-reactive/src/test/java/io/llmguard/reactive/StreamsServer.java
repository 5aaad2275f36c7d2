package io.llmguard.reactive;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.Caller;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelStage;
import io.llmguard.testkit.BufferLeaks;
import io.llmguard.upstream.JdkTransport;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamRouter;
import io.llmguard.upstream.UpstreamTimeouts;
import io.llmguard.wire.RequestReader;
import java.net.URI;
import java.time.Duration;
import java.util.concurrent.CompletionStage;

/** A program of its own: a reactive gateway before the upstream that its argument names. */
final class StreamsServer {
  /** Thousands of connections are opened at once, by machines that do other things beside. */
  private static final UpstreamTimeouts PATIENT =
      new UpstreamTimeouts(
          Duration.ofSeconds(60),
          Duration.ofMinutes(2),
          Duration.ofMinutes(2),
          Duration.ofHours(1));

  private StreamsServer() {}

  public static void main(String[] args) throws Exception {
    try (JdkTransport transport =
            new JdkTransport(TransportSettings.builder().maxConnections(10_000).build());
        Guard guard = guard();
        NettyServer server =
            NettyServer.start(
                new LlmProxyHandler(
                    Proxy.builder(
                            UpstreamRouter.to(
                                Upstream.builder("local", URI.create(args[0]), transport)
                                    .timeouts(PATIENT)
                                    .build()))
                        .build()),
                new LlmGuardWebFilter(guard))) {
      System.out.println("port " + server.port());
      while (System.in.read() >= 0) {
        // whatever the parent says is the question for leaks; its end ends this program
        System.out.println("leaks " + BufferLeaks.taken());
      }
    }
  }

  private static Guard guard() {
    return StandardGuard.builder()
        .stage(Place.AUTHENTICATION, new Anybody())
        .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
        .stage(Place.BODY, new BodyStage(RequestReader.create(), 1 << 16))
        .stage(Place.MODEL, new ModelStage())
        .build();
  }

  private static final class Anybody implements Stage {
    private static final Caller CALLER = Caller.builder(Caller.Kind.OTHER, "anybody").build();

    @Override
    public String name() {
      return "anybody";
    }

    @Override
    public CompletionStage<Decision> decide(Exchange exchange) {
      exchange.caller(CALLER);
      return exchange.admit();
    }
  }
}
