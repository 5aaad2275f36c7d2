package io.llmguard.examples.gateway.server;

import io.llmguard.TimeSource;
import io.llmguard.assembly.DataDirectory;
import io.llmguard.assembly.FirstKey;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.SettingException;
import io.llmguard.audit.AuditStage;
import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.HostPort;
import io.llmguard.examples.gateway.config.Reload;
import io.llmguard.examples.gateway.tls.ServerTls;
import io.llmguard.key.KeyDirectory;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.network.TransportStage.PlainHttp;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
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

  private final Resources resources;
  private final Server server;
  private final Foundation foundation;
  private final Generations generations;
  private final DataDirectory directory;
  private final FirstKey.@Nullable Shown firstKey;
  private final @Nullable ServerTls tls;
  private volatile boolean draining;

  private Gateway(GatewayConfig config, boolean terminal, Resources resources) throws Exception {
    this.resources = resources;
    KeyStores store = resources.open(KeyStores.open(config));
    GuardSettings settings = config.guard();
    directory = DataDirectory.of(settings);
    firstKey =
        settings.masterKey() != null
            ? null
            : FirstKey.make(store.store(), directory.make(), terminal);
    KeyDirectory keys =
        resources.open(
            KeyDirectory.builder(store.store()).maxStaleness(config.keyStaleness()).open());
    Metering metering = resources.open(new Metering(config));
    Upstreams upstreams = resources.open(new Upstreams(config));
    Callbacks callbacks = Callbacks.open(config, resources);
    Spending spending =
        resources.open(
            Spending.open(
                config,
                store,
                upstreams,
                metering.limitListener(),
                metering.alertListener().and(callbacks.alerts())));
    AuditStage trail = resources.open(directory.make().openAudit());
    metering.bind(keys, spending.ledger(), trail.queue());
    foundation =
        new Foundation(
            store,
            keys,
            resources.open(new InMemoryRateLimitStore(TimeSource.system())),
            spending,
            trail,
            metering,
            callbacks,
            upstreams);
    generations = new Generations(new Generation(config, foundation, null));
    tls = tls(config.tls());
    server = new Server(threads());
    server.addConnector(
        Listeners.at(server, config.listen(), Listeners.MAIN, tls, config.headTime()));
    HostPort adminListen = config.adminListen();
    if (adminListen != null) {
      server.addConnector(
          Listeners.at(server, adminListen, Listeners.ADMIN, tls, config.headTime()));
    }
    server.setHandler(new Handler.Sequence(new HealthHandler(this::notReady), generations));
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

  /**
   * Takes settings that were read again, all at once or none.
   *
   * <p>Calls under way end under the settings that let them in. Counters, budgets, keys and the
   * trail go on. What holds only after a restart is named in a warning.
   *
   * @throws Main.UserError or
   * @throws SettingException if they cannot be used: those that hold stay
   */
  public synchronized void reload(GatewayConfig read) {
    if (draining) {
      return;
    }
    Reload reload = Reload.of(config(), read);
    refuseOpenDoor(reload.config());
    read.warnings().forEach(log::warn);
    if (!reload.waiting().isEmpty()) {
      log.warn("after a restart only: {}", String.join(", ", reload.waiting()));
    }
    Generation next = new Generation(reload.config(), foundation, generations.current());
    try {
      generations.replace(next);
    } catch (Exception e) {
      throw new IllegalStateException("the new settings cannot be served", e);
    }
    log.info("the settings of {} hold now", read.file());
  }

  private GatewayConfig config() {
    return generations.current().config();
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

  private @Nullable ServerTls tls(GatewayConfig.@Nullable Tls settings) throws IOException {
    if (settings == null) {
      return null;
    }
    ServerTls loaded;
    try {
      loaded = ServerTls.load(settings);
    } catch (RuntimeException e) {
      throw new Main.UserError(
          "llmguard.tls: "
              + settings.certificate()
              + " and "
              + settings.key()
              + " hold no usable certificate with its key in PEM",
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
        clock.scheduleWithFixedDelay(loaded::reloadIfChanged, seconds, seconds, TimeUnit.SECONDS);
    return loaded;
  }

  /** Looks at the certificates' files now; true if renewed ones are in use. */
  boolean renewCertificates() {
    return tls != null && tls.reloadIfChanged();
  }

  private static QueuedThreadPool threads() {
    QueuedThreadPool threads = new QueuedThreadPool(200, 8);
    threads.setName("llmguard");
    return threads;
  }

  private @Nullable String notReady() {
    return Readiness.missing(
        draining,
        foundation.keys().health(),
        generations.current().spending().available(),
        foundation.trail().queue().state(),
        foundation.upstreams().router().coolingDown());
  }

  /** Where clients call: scheme, host and the port that is really bound. */
  public String url() {
    return url(0, config().listen());
  }

  /** Where administration is; the same as {@link #url} unless it has a listener of its own. */
  public String adminUrl() {
    HostPort admin = config().adminListen();
    return admin == null ? url() : url(1, admin);
  }

  private String url(int connector, HostPort listen) {
    int port = ((ServerConnector) server.getConnectors()[connector]).getLocalPort();
    return (config().tls() == null ? "http" : "https") + "://" + new HostPort(listen.host(), port);
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
    Duration drain = config().guard().limits().drain();
    try {
      foundation
          .upstreams()
          .proxy()
          .drain(drain)
          // a call that is settled may still have its last bytes to write
          .thenCompose(settled -> generations.quiet())
          .toCompletableFuture()
          .get(drain.toMillis() + 5_000, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      log.warn("calls were still under way at the end of the drain");
    }
    resources.close();
  }
}
