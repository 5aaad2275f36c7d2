package io.llmguard.benchmark.jmh;

import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.TimeSource;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.ConcurrencyStage;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.network.CidrSet;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.ClientAddressStage;
import io.llmguard.network.NetworkStage;
import io.llmguard.network.TransportStage;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelStage;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.RequestReader;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The gateway's chain of stages, with limits that never bite, and a key that it knows. */
final class DefaultGuard implements AutoCloseable {
  private static final int LARGEST_BODY = 32 << 20;
  private static final RateLimit HIGH =
      new RateLimit(1_000_000_000, Duration.ofMinutes(1), 1_000_000_000);

  private final String apiKey;
  private final Guard guard;
  private final KeyDirectory keys;
  private final InMemoryRateLimitStore counters;

  DefaultGuard() {
    TimeSource time = TimeSource.system();
    MemoryKeyStore store = new MemoryKeyStore();
    apiKey = new KeyIssuer(store, time).issue("bench", options -> options).key().reveal();
    keys = KeyDirectory.builder(store).open();
    counters = new InMemoryRateLimitStore(time);
    LimitSet limits = new LimitSet(HIGH, null, null, Map.of());
    guard =
        StandardGuard.builder()
            .stage(Place.CLIENT_ADDRESS, new ClientAddressStage(ClientAddressResolver.direct()))
            .stage(Place.TRANSPORT, TransportStage.builder().hosts(List.of("127.0.0.1")).build())
            .stage(Place.NETWORK, new NetworkStage(CidrSet.ALL, CidrSet.NONE))
            .stage(Place.ADDRESS_LIMIT, new AddressRateLimitStage(counters, HIGH))
            .stage(
                Place.AUTHENTICATION,
                AuthenticationStage.builder()
                    .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
                    .build())
            .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()))
            .stage(Place.CALLER_LIMIT, new CallerRateLimitStage(counters, limits))
            .stage(Place.CALLER_LIMIT, new ConcurrencyStage(0, 0))
            .stage(Place.BODY, new BodyStage(RequestReader.create(), LARGEST_BODY))
            .stage(Place.MODEL, new ModelStage())
            .stage(Place.MODEL, new CeilingStage(Ceilings.DEFAULT))
            .build();
  }

  Guard guard() {
    return guard;
  }

  String apiKey() {
    return apiKey;
  }

  @Override
  public void close() {
    guard.close();
    counters.close();
    keys.close();
  }
}
