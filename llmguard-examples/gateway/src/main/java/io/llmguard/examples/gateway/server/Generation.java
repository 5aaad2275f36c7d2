package io.llmguard.examples.gateway.server;

import io.llmguard.Guard;
import io.llmguard.Stage;
import io.llmguard.StandardGuard.Place;
import io.llmguard.admin.AdminApi;
import io.llmguard.assembly.GuardAssembly;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.HostPort;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.servlet.ValidateServlet;
import io.llmguard.upstream.ModelReachStage;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Server;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What serves calls under one reading of the settings: guards, pages and administration, over
 * stores that outlive it. Thread-safe.
 *
 * <p>Calls that it has let in stay with it to their end; it is closed once there are none.
 */
final class Generation {
  private static final Logger log = LoggerFactory.getLogger(Generation.class);

  private final GatewayConfig config;
  private final Spending spending;
  private final GuardAssembly guards;
  private final Handler.Sequence handlers = new Handler.Sequence();

  /** The calls under way, and one for as long as calls may come. */
  private final AtomicLong holds = new AtomicLong(1);

  private volatile @Nullable Generation successor;

  /**
   * One for these settings.
   *
   * @param before the one that serves now, or null
   * @throws io.llmguard.assembly.SettingException if a setting cannot be used
   */
  Generation(GatewayConfig config, Foundation shared, @Nullable Generation before) {
    this.config = config;
    spending =
        before == null
            ? shared.spending()
            : shared.spending().with(config, shared.stores(), shared.upstreams());
    AdminApi administration =
        Administration.of(
            config,
            shared.stores().store(),
            shared.keys(),
            spending.ledger(),
            shared.upstreams()::of);
    guards = guards(shared, administration, before);
    handlers(shared, administration);
  }

  private GuardAssembly guards(
      Foundation shared, AdminApi administration, @Nullable Generation before) {
    GuardSettings settings = config.guard();
    GuardAssembly.Builder builder =
        GuardAssembly.builder(settings, shared.keys(), shared.counters())
            .observer(shared.trail())
            .limitListener(shared.metering().limitListener())
            .inspectionListener(shared.metering().inspectionListener())
            .budgets(spending.stage())
            .budgetZone(config.budgets().zone())
            .queryNamesKeysAt(AdminApi.pathsWithKeysInQuery())
            .customizer(guard -> guard.stage(Place.BODY, administration.bodies()))
            .customizer(
                guard -> guard.stage(Place.MODEL, new ModelReachStage(shared.upstreams().router())))
            .knownModels(config.models().stream().map(GatewayConfig.Deployment::name).toList());
    if (config.listen().isLoopback() || !settings.hosts().isEmpty()) {
      builder.host(config.listen().host());
    }
    shared.metering().stages().forEach(builder::observer);
    Stage callbacks = shared.callbacks().stage();
    if (callbacks != null) {
      builder.observer(callbacks);
    }
    if (before != null) {
      builder.after(before.guards);
    }
    return builder.build();
  }

  private void handlers(Foundation shared, AdminApi administration) {
    HostPort adminListen = config.adminListen();
    boolean apart = adminListen != null;
    Duration bodyTime = config.guard().limits().bodyTime();
    EndpointCatalogue.Builder catalogue = EndpointCatalogue.builder().addStandard();
    if (!apart) {
      Pages.addAdministration(catalogue, administration);
    }
    Guard calls = guards.forCalls(catalogue.build());
    ServletContextHandler main =
        Pages.calls(
            calls, bodyTime, shared.upstreams().proxy(), shared.metering().page(), administration);
    ServletContextHandler validate =
        Pages.validation(
            new ValidateServlet(
                guards.forValidation(true),
                guards.forValidation(false),
                guards.addresses(),
                EndpointCatalogue.standard()));
    if (apart) {
      Guard pages =
          guards.forAdministration(
              Pages.addAdministration(EndpointCatalogue.builder(), administration).build());
      ServletContextHandler admin =
          Pages.administration(pages, bodyTime, shared.metering().page(), administration);
      admin.setVirtualHosts(List.of("@" + Listeners.ADMIN));
      main.setVirtualHosts(List.of("@" + Listeners.MAIN));
      validate.setVirtualHosts(List.of("@" + Listeners.MAIN));
      handlers.addHandler(admin);
    }
    handlers.addHandler(validate);
    handlers.addHandler(main);
  }

  GatewayConfig config() {
    return config;
  }

  Spending spending() {
    return spending;
  }

  Handler handler() {
    return handlers;
  }

  void start(Server server) throws Exception {
    handlers.setServer(server);
    handlers.start();
  }

  /** Notes a call; false if this one has ended and takes none any more. */
  boolean enter() {
    for (long now = holds.get(); now > 0; now = holds.get()) {
      if (holds.compareAndSet(now, now + 1)) {
        return true;
      }
    }
    return false;
  }

  /** Notes the end of a call; true if it was the last and this one is to be closed. */
  boolean leave() {
    return holds.decrementAndGet() == 0;
  }

  /** True while none of its calls is under way. */
  boolean isQuiet() {
    return holds.get() == (successor == null ? 1 : 0);
  }

  /** Notes that another takes the calls that come; true if this one is to be closed. */
  boolean endFor(Generation next) {
    successor = next;
    return leave();
  }

  /** Stops its pages, and closes what the one after it has not taken over. */
  void close() {
    try {
      handlers.stop();
    } catch (Exception e) {
      log.warn("pages failed to stop: {}", e.getClass().getName());
      log.debug("pages failed to stop", e);
    }
    Generation next = successor;
    guards.retire(next == null ? null : next.guards);
  }
}
