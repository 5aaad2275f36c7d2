package io.llmguard.examples.gateway.config;

import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.GuardSettings.Limits;
import io.llmguard.budget.Price;
import io.llmguard.examples.gateway.config.GatewayConfig.Deployment;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What of a configuration that was read again holds at once in a gateway that runs.
 *
 * @param config what holds from now on: the new settings, but for those that wait
 * @param waiting the settings that differ and hold only after a restart, by name
 */
public record Reload(GatewayConfig config, List<String> waiting) {
  /** Copies the list. */
  public Reload {
    waiting = List.copyOf(waiting);
  }

  /** What holds where a gateway that runs with one configuration is given another. */
  public static Reload of(GatewayConfig running, GatewayConfig read) {
    List<String> waiting = new ArrayList<>();
    Merge merge = new Merge(waiting);
    GatewayConfig config =
        new GatewayConfig(
            read.file(),
            merge.keep("llmguard.listen", running.listen(), read.listen()),
            merge.keepNullable("llmguard.admin_listen", running.adminListen(), read.adminListen()),
            merge.keep("llmguard.limits.head", running.headTime(), read.headTime()),
            merge.keepNullable("llmguard.tls", running.tls(), read.tls()),
            merge.keepNullable("llmguard.database", running.database(), read.database()),
            merge.keep("llmguard.key_staleness", running.keyStaleness(), read.keyStaleness()),
            models(merge, running.models(), read.models()),
            merge.keepNullable("llmguard.upstream", running.upstream(), read.upstream()),
            merge.keep("router_settings", running.routing(), read.routing()),
            guard(merge, running.guard(), read.guard()),
            budgets(merge, running.budgets(), read.budgets()),
            merge.keep("llmguard.callbacks", running.callbacks(), read.callbacks()),
            read.warnings());
    return new Reload(config, waiting);
  }

  /** Prices hold at once; where the deployments differ in anything else they all wait. */
  private static List<Deployment> models(
      Merge merge, List<Deployment> running, List<Deployment> read) {
    if (unpriced(running).equals(unpriced(read))) {
      return read;
    }
    return merge.keep("model_list", running, read);
  }

  private static List<Deployment> unpriced(List<Deployment> models) {
    return models.stream().map(model -> priced(model, null)).toList();
  }

  private static Deployment priced(Deployment model, @Nullable Price price) {
    return new Deployment(
        model.name(),
        model.upstreamModel(),
        model.server(),
        model.limits(),
        price,
        model.parameters());
  }

  private static GuardSettings guard(Merge merge, GuardSettings running, GuardSettings read) {
    return new GuardSettings(
        merge.keep("llmguard.data_dir", running.dataDir(), read.dataDir()),
        read.masterKey(),
        read.firstKey(),
        read.keyHeaders(),
        read.jwt(),
        read.clientCertificates(),
        read.allowNetworks(),
        read.denyNetworks(),
        read.trustedProxies(),
        read.hosts(),
        read.plainHttp(),
        read.hsts(),
        read.rateLimits(),
        read.concurrency(),
        limits(merge, running.limits(), read.limits()),
        read.ceilings(),
        merge.keep("llmguard.audit", running.audit(), read.audit()),
        read.contentGuards());
  }

  /** What the calls to upstreams are timed by is part of the upstreams, which stay. */
  private static Limits limits(Merge merge, Limits running, Limits read) {
    return new Limits(
        read.body(),
        read.bodyTime(),
        read.upload(),
        merge.keep("llmguard.limits.connect", running.connect(), read.connect()),
        merge.keep("llmguard.limits.first_byte", running.firstByte(), read.firstByte()),
        merge.keep("llmguard.limits.idle", running.idle(), read.idle()),
        merge.keep("llmguard.limits.total", running.total(), read.total()),
        merge.keepNullable("llmguard.limits.response", running.response(), read.response()),
        read.drain());
  }

  private static BudgetSettings budgets(Merge merge, BudgetSettings running, BudgetSettings read) {
    merge.keep("litellm_settings.timezone", running.zone(), read.zone());
    // the windows of budgets begin in their zone, so one without the other would be wrong
    return running.zone().equals(read.zone()) ? read : running;
  }

  /** Keeps what cannot change and notes where it would have. */
  private record Merge(List<String> waiting) {
    <T> T keep(String setting, T running, T read) {
      if (!running.equals(read)) {
        waiting.add(setting);
      }
      return running;
    }

    <T> @Nullable T keepNullable(String setting, @Nullable T running, @Nullable T read) {
      if (!Objects.equals(running, read)) {
        waiting.add(setting);
      }
      return running;
    }
  }
}
