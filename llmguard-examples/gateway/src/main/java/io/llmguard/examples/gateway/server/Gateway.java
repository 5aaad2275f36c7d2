package io.llmguard.examples.gateway.server;

import io.llmguard.Guard;
import io.llmguard.Stage;
import io.llmguard.StandardGuard.Place;
import io.llmguard.TimeSource;
import io.llmguard.admin.AdminApi;
import io.llmguard.assembly.DataDirectory;
import io.llmguard.assembly.FirstKey;
import io.llmguard.assembly.GuardAssembly;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.SettingException;
import io.llmguard.audit.AuditStage;
import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.HostPort;
import io.llmguard.examples.gateway.tls.ServerTls;
import io.llmguard.key.KeyDirectory;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.network.TransportStage.PlainHttp;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.servlet.ValidateServlet;
import io.llmguard.upstream.ModelReachStage;
import io.llmguard.upstream.Proxy;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A running gateway. Thread-safe.
 *
 * <p>Closing it drains: no new call is taken, those under way may end until the configured
 * deadline, then everything it opened is closed.
 */
public final class Gateway implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Gateway.class);
  private static final Duration CERTIFICATE_CHECK = Duration.ofSeconds(10);
  private static final String MAIN = "main";
  private static final String ADMIN = "admin";

  private final GatewayConfig config;
  private final Resources resources;
  private final Server server;
  private final Proxy proxy;
  private final KeyDirectory keys;
  private final DataDirectory directory;
  private final AuditStage trail;
  private final Metering metering;
  private final Spending spending;
  private final AdminApi administration;
  private final FirstKey.@Nullable Shown firstKey;
  private volatile boolean draining;

  private Gateway(GatewayConfig config, boolean terminal, Resources resources) throws Exception {
    this.config = config;
    this.resources = resources;
    KeyStores store = resources.open(KeyStores.open(config));
    GuardSettings settings = config.guard();
    directory = DataDirectory.of(settings);
    firstKey =
        settings.masterKey() != null
            ? null
            : FirstKey.make(store.store(), directory.make(), terminal);
    keys = resources.open(KeyDirectory.builder(store.store()).open());
    metering = resources.open(new Metering(config));
    Upstreams upstreams = resources.open(new Upstreams(config));
    Callbacks callbacks = Callbacks.open(config, resources);
    spending =
        resources.open(
            Spending.open(
                config,
                store,
                upstreams,
                metering.limitListener(),
                metering.alertListener().and(callbacks.alerts())));
    proxy = upstreams.proxy();
    administration =
        Administration.of(config, store.store(), keys, spending.ledger(), upstreams::of);
    trail = resources.open(directory.make().openAudit());
    metering.bind(trail.queue());
    InMemoryRateLimitStore counters =
        resources.open(new InMemoryRateLimitStore(TimeSource.system()));
    GuardAssembly guards = guards(counters, upstreams, callbacks.stage());
    ServerTls tls = tls();
    server = new Server(threads());
    server.addConnector(Listeners.at(server, config.listen(), MAIN, tls));
    HostPort adminListen = config.adminListen();
    if (adminListen != null) {
      server.addConnector(Listeners.at(server, adminListen, ADMIN, tls));
    }
    server.setHandler(handlers(guards));
    server.setStopTimeout(0);
    server.start();
    resources.open(server::stop);
  }

  /**
   * Starts a gateway.
   *
   * @param terminal true if a person reads the standard output, where a first key may be shown
   * @throws Main.UserError with what to do next, if it cannot start
   */
  public static Gateway start(GatewayConfig config, boolean terminal) {
    refuseOpenDoor(config);
    Resources resources = new Resources();
    try {
      return new Gateway(config, terminal, resources);
    } catch (Main.UserError | SettingException e) {
      resources.close();
      throw e;
    } catch (IOException e) {
      resources.close();
      throw new Main.UserError(
          "cannot listen on " + config.listen() + ": " + e.getMessage() + "; set llmguard.listen",
          e);
    } catch (Exception e) {
      resources.close();
      throw new IllegalStateException("the gateway cannot start", e);
    }
  }

  private GuardAssembly guards(
      InMemoryRateLimitStore counters, Upstreams upstreams, @Nullable Stage callbacks) {
    GuardSettings settings = config.guard();
    GuardAssembly.Builder guards =
        GuardAssembly.builder(settings, keys, counters)
            .observer(trail)
            .observer(metering.stage())
            .limitListener(metering.limitListener())
            .inspectionListener(metering.inspectionListener())
            .budgets(spending.stage())
            .budgetZone(config.budgets().zone())
            .queryNamesKeysAt(AdminApi.pathsWithKeysInQuery())
            .customizer(guard -> guard.stage(Place.BODY, administration.bodies()))
            .customizer(guard -> guard.stage(Place.MODEL, new ModelReachStage(upstreams.router())))
            .knownModels(config.models().stream().map(GatewayConfig.Deployment::name).toList());
    if (config.listen().isLoopback() || !settings.hosts().isEmpty()) {
      guards.host(config.listen().host());
    }
    if (callbacks != null) {
      guards.observer(callbacks);
    }
    return guards.build();
  }

  private static void refuseOpenDoor(GatewayConfig config) {
    boolean open = !config.listen().isLoopback();
    HostPort admin = config.adminListen();
    open |= admin != null && !admin.isLoopback();
    boolean behindProxy = !config.guard().trustedProxies().isEmpty();
    if (open
        && config.tls() == null
        && !behindProxy
        && config.guard().plainHttp() != PlainHttp.ALLOW) {
      throw new Main.UserError(
          "listening beyond loopback without TLS would send keys in clear: set llmguard.tls, or"
              + " llmguard.trusted_proxies where a proxy ends TLS, or llmguard.plain_http: allow");
    }
  }

  private @Nullable ServerTls tls() throws IOException {
    GatewayConfig.Tls settings = config.tls();
    if (settings == null) {
      return null;
    }
    ServerTls tls;
    try {
      tls = ServerTls.load(settings);
    } catch (RuntimeException e) {
      throw new Main.UserError(
          "llmguard.tls: "
              + settings.certificate()
              + " and "
              + settings.key()
              + " hold no usable certificate and key in PEM",
          e);
    }
    ScheduledExecutorService clock =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "llmguard-certificates");
              thread.setDaemon(true);
              return thread;
            });
    resources.open(clock::shutdownNow);
    long seconds = CERTIFICATE_CHECK.toSeconds();
    var unused =
        clock.scheduleWithFixedDelay(tls::reloadIfChanged, seconds, seconds, TimeUnit.SECONDS);
    return tls;
  }

  private static QueuedThreadPool threads() {
    QueuedThreadPool threads = new QueuedThreadPool(200, 8);
    threads.setName("llmguard");
    return threads;
  }

  private Handler handlers(GuardAssembly guards) {
    boolean apart = config.adminListen() != null;
    EndpointCatalogue.Builder catalogue = EndpointCatalogue.builder().addStandard();
    if (!apart) {
      Pages.addAdministration(catalogue, administration);
    }
    Guard calls = resources.open(guards.forCalls(catalogue.build()));
    ServletContextHandler main = Pages.calls(calls, proxy, metering.page(), administration);
    ServletContextHandler validate =
        Pages.validation(
            new ValidateServlet(
                resources.open(guards.forValidation(true)),
                resources.open(guards.forValidation(false)),
                guards.addresses(),
                EndpointCatalogue.standard()));
    Handler.Sequence handlers = new Handler.Sequence();
    handlers.addHandler(new HealthHandler(this::notReady));
    if (apart) {
      Guard pages =
          resources.open(
              guards.forAdministration(
                  Pages.addAdministration(EndpointCatalogue.builder(), administration).build()));
      ServletContextHandler admin = Pages.administration(pages, metering.page(), administration);
      admin.setVirtualHosts(List.of("@" + ADMIN));
      main.setVirtualHosts(List.of("@" + MAIN));
      validate.setVirtualHosts(List.of("@" + MAIN));
      handlers.addHandler(admin);
    }
    handlers.addHandler(validate);
    handlers.addHandler(main);
    return handlers;
  }

  private @Nullable String notReady() {
    if (draining) {
      return "draining";
    }
    if (!keys.health().serving()) {
      return "keys";
    }
    if (!spending.available()) {
      return "budgets";
    }
    return trail.queue().state().failingSince() == null ? null : "audit";
  }

  /** Where clients call: scheme, host and the port that is really bound. */
  public String url() {
    return url(0, config.listen());
  }

  /** Where administration is; the same as {@link #url} unless it has a listener of its own. */
  public String adminUrl() {
    HostPort admin = config.adminListen();
    return admin == null ? url() : url(1, admin);
  }

  private String url(int connector, HostPort listen) {
    int port = ((ServerConnector) server.getConnectors()[connector]).getLocalPort();
    return (config.tls() == null ? "http" : "https") + "://" + new HostPort(listen.host(), port);
  }

  /** What to tell the person about the first key, or null if there was one or none is needed. */
  public @Nullable String firstKey() {
    if (firstKey instanceof FirstKey.Shown.OnTerminal shown) {
      return shown.text();
    }
    return firstKey instanceof FirstKey.Shown.InFile shown ? shown.text() : null;
  }

  /** The audit file. */
  public java.nio.file.Path auditFile() {
    return directory.auditFile();
  }

  @Override
  public void close() {
    draining = true;
    try {
      proxy
          .drain(config.guard().limits().drain())
          .toCompletableFuture()
          .get(config.guard().limits().drain().toMillis() + 5_000, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      log.warn("calls were still under way at the end of the drain");
    }
    resources.close();
  }
}
