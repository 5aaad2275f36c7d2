package io.llmguard.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.key.IssuedKey;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.KeyStore;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.AddressRateLimitStage;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.RateLimit;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.network.CidrSet;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.network.ClientAddressStage;
import io.llmguard.network.NetworkStage;
import io.llmguard.network.TransportStage;
import io.llmguard.policy.BodyPolicy;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import io.llmguard.upstream.JdkTransport;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamRouter;
import io.llmguard.upstream.UpstreamTransport;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a guarded gateway does over HTTP, whatever server and adapter carry it; each adapter runs
 * the classes that extend this one on each of its servers.
 */
public abstract class HttpContract {
  /** The largest body that the guard of these tests takes. */
  protected static final int MAX_BODY = 64 << 10;

  protected static final int MAX_FORM = 1 << 20;

  /**
   * How long the server of these tests waits for a body that it has to read: longer than a machine
   * that does other things lets a thread sleep, for most of these bodies are to be read in time.
   */
  protected static final Duration BODY_DEADLINE = Duration.ofSeconds(2);

  /** A server under test. */
  public interface Server extends AutoCloseable {
    /** Its port on the loopback address, for HTTP/1.1 without TLS. */
    int port();

    @Override
    void close() throws IOException;
  }

  /** A call that has ended, and when, on {@link System#nanoTime()}'s clock. */
  protected record Ended(Exchange exchange, Outcome outcome, long nanoTime) {}

  private final Reports<Ended> ended = new Reports<>();
  private volatile @Nullable Exchange latest;

  protected KeyStore store;
  protected ReplayUpstream upstream;
  protected UpstreamTransport transport;
  protected KeyDirectory keys;
  protected KeyIssuer issuer;
  protected String key;
  protected String adminKey;
  protected String narrowKey;
  protected Proxy proxy;
  protected Guard guard;
  protected Server server;

  /** Where forms are kept while they are read. */
  @TempDir protected Path forms = Path.of("");

  /** Starts a server whose every path leads through the guard to the proxy. */
  protected abstract Server start(Guard guard, Proxy proxy) throws Exception;

  /** What carries the calls to the upstream. */
  protected UpstreamTransport transport() {
    return new JdkTransport(TransportSettings.builder().build());
  }

  /** What carries admitted calls to their upstream. */
  protected Proxy proxy() throws Exception {
    return Proxy.builder(UpstreamRouter.to(local())).build();
  }

  /** The upstream of these tests. */
  protected final Upstream local() {
    return Upstream.builder("local", upstream.uri(), transport).build();
  }

  @BeforeEach
  void startAll() throws Exception {
    upstream = ReplayUpstream.start();
    transport = transport();
    proxy = proxy();
    store = store();
    issuer = new KeyIssuer(store, io.llmguard.TimeSource.system());
    key = issue("default").key().reveal();
    adminKey = issuer.issue("admin", r -> r.scopes(EnumSet.allOf(Scope.class))).key().reveal();
    narrowKey = issuer.issue("narrow", r -> r.models(ModelAccess.of(List.of("a")))).key().reveal();
    keys = KeyDirectory.builder(store).refreshEvery(Duration.ofMillis(20)).open();
    guard = guard().build();
    server = start(guard, proxy);
  }

  @AfterEach
  void stopAll() throws Exception {
    server.close();
    guard.close();
    keys.close();
    transport.close();
    upstream.close();
  }

  /** Where keys are kept. */
  protected KeyStore store() throws Exception {
    return new MemoryKeyStore();
  }

  /** A new key with the default scopes. */
  protected IssuedKey issue(String name) {
    return issuer.issue(name, r -> r);
  }

  /** The stages of these tests, at their places. */
  protected StandardGuard.Builder guard() throws Exception {
    RateLimitStore limits = new InMemoryRateLimitStore(io.llmguard.TimeSource.system());
    StandardGuard.Builder stages = StandardGuard.builder();
    bodies().addTo(stages);
    return stages
        .stage(Place.OBSERVE, observer())
        .stage(
            Place.CLIENT_ADDRESS,
            new ClientAddressStage(ClientAddressResolver.behind(CidrSet.of("127.0.0.2/32"))))
        .stage(Place.TRANSPORT, TransportStage.builder().hosts(List.of("localhost")).build())
        .stage(Place.NETWORK, new NetworkStage(CidrSet.LOOPBACK, CidrSet.NONE))
        .stage(
            Place.ADDRESS_LIMIT,
            new AddressRateLimitStage(
                limits, new RateLimit(100_000, Duration.ofSeconds(1), 100_000)))
        .stage(Place.AUTHENTICATION, authentication().build())
        .stage(Place.ENDPOINT, new EndpointStage(EndpointCatalogue.standard()));
  }

  /** What bodies are held to. */
  protected BodyPolicy bodies() {
    return BodyPolicy.builder().maxBody(MAX_BODY).maxForm(MAX_FORM).formDirectory(forms).build();
  }

  /** A stage that lets every call pass, and sees it to its end. */
  protected Stage observer() {
    return new Observer();
  }

  /** Who is let in: the holders of keys. */
  protected AuthenticationStage.Builder authentication() throws Exception {
    return AuthenticationStage.builder()
        .authenticator(ApiKeyAuthenticator.builder().keys(keys).build());
  }

  /** Sees every call to its end. */
  private final class Observer implements Stage {
    @Override
    public String name() {
      return "observer";
    }

    @Override
    public CompletionStage<Decision> decide(Exchange exchange) {
      latest = exchange;
      exchange.responseHeaders().add("X-Observed", "yes");
      return exchange.admit();
    }

    @Override
    public void settle(Exchange exchange, Outcome outcome) {
      ended.add(new Ended(exchange, outcome, System.nanoTime()));
    }
  }

  /** The next call that has ended, once; waits for it. */
  protected Ended nextEnded() throws InterruptedException {
    return ended.next();
  }

  /** The call that came last, be it under way or not; null before there was one. */
  protected @Nullable Exchange latest() {
    return latest;
  }

  /** Asserts that no further call has ended: each is settled once. */
  protected void assertNothingElseEnded() {
    assertThat(ended.isEmpty()).as("%s", ended).isTrue();
  }

  /** Forgets the calls that have ended so far. */
  protected void forgetEnded() {
    ended.clear();
  }

  /** A connection to the server. */
  protected RawHttp connect() throws IOException {
    return RawHttp.connect(server.port());
  }

  /** The header line with the default key. */
  protected String authorization() {
    return "Authorization: Bearer " + key;
  }

  /** The header line with a key of every scope. */
  protected String adminAuthorization() {
    return "Authorization: Bearer " + adminKey;
  }

  /** The header line with a key for the model {@code a} only. */
  protected String narrowAuthorization() {
    return "Authorization: Bearer " + narrowKey;
  }

  /** The URI of the server. */
  protected URI uri() {
    return URI.create("http://127.0.0.1:" + server.port());
  }
}
