package io.llmguard.examples.gateway.config;

import io.llmguard.examples.gateway.config.RoutingConfig.Strategy;
import io.llmguard.upstream.routing.AffinityKey;
import io.llmguard.wire.Parameters;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads {@code router_settings}, their twins in {@code litellm_settings}, and our own. */
final class RoutingReader {
  private final SettingJudge judge;
  private final @Nullable Setting router;
  private final @Nullable Setting litellm;
  private final @Nullable Setting own;

  /**
   * A reader.
   *
   * @param judge judges what nobody has asked for
   * @param router {@code router_settings}
   * @param litellm {@code litellm_settings}
   * @param own {@code llmguard.routing}
   */
  RoutingReader(
      SettingJudge judge,
      @Nullable Setting router,
      @Nullable Setting litellm,
      @Nullable Setting own) {
    this.judge = judge;
    this.router = router;
    this.litellm = litellm;
    this.own = own;
  }

  /**
   * How calls find a server.
   *
   * @param parameters what is decided in place of callers, whatever the model
   */
  RoutingConfig read(Parameters parameters) {
    Setting args = in(router, "routing_strategy_args");
    Setting strategy = in(router, "routing_strategy");
    Setting buffer = args == null ? null : args.get("lowest_latency_buffer");
    Setting retries = either("num_retries");
    Setting retryAfter = in(router, "retry_after");
    Setting allowed = either("allowed_fails");
    Setting cooldown = in(router, "cooldown_time");
    Setting refuse = in(own, "refuse_while_cooling");
    Setting within = in(own, "retry_within");
    Setting probes = in(own, "probes");
    Setting loaded = in(own, "prefer_loaded");
    Setting headers = in(own, "litellm_headers");
    Setting queue = in(own, "queue");
    Setting size = queue == null ? null : queue.get("size");
    Setting wait = queue == null ? null : queue.get("wait");
    Setting halfLife = queue == null ? null : queue.get("half_life");
    Setting by = in(own, "affinity_by");
    RoutingConfig config =
        new RoutingConfig(
            strategy == null ? Strategy.SIMPLE_SHUFFLE : strategy.oneOf(Strategy.class),
            buffer == null ? 0 : buffer.decimal(0, 1_000),
            retries == null ? 2 : (int) retries.number(0, 100),
            retryAfter == null ? Duration.ZERO : Duration.ofSeconds(retryAfter.number(0, 3_600)),
            within == null ? null : within.duration(),
            allowed == null ? 3 : (int) allowed.number(0, 1_000_000),
            cooldown == null
                ? Duration.ofSeconds(5)
                : Duration.ofMillis(Math.round(cooldown.decimal(0, 86_400) * 1_000)),
            refuse != null && refuse.bool(),
            fallbacks(either("fallbacks")),
            strings(either("default_fallbacks")),
            aliases(in(router, "model_group_alias")),
            size == null ? 512 : (int) size.number(0, 1_000_000),
            wait == null ? Duration.ofSeconds(30) : wait.duration(),
            priorities(queue == null ? null : queue.get("priorities")),
            halfLife == null ? Duration.ofSeconds(30) : halfLife.duration(),
            affinity(),
            by == null ? AffinityKey.CONVERSATION : by.oneOf(AffinityKey.class),
            probes == null ? Duration.ofSeconds(10) : interval(probes),
            loaded == null || loaded.bool(),
            parameters,
            headers != null && headers.bool());
    judge.unread("router_settings.routing_strategy_args", args);
    if (queue != null) {
      queue.refuseUnknown();
    }
    if (own != null) {
      own.refuseUnknown();
    }
    return config;
  }

  private static @Nullable Setting in(@Nullable Setting section, String name) {
    return section == null ? null : section.get(name);
  }

  /** LiteLLM takes some settings in two places; the router's own counts. */
  private @Nullable Setting either(String name) {
    Setting general = in(litellm, name);
    Setting special = in(router, name);
    return special == null ? general : special;
  }

  private @Nullable Duration affinity() {
    Setting checks = in(router, "optional_pre_call_checks");
    boolean asked = false;
    for (String check : strings(checks)) {
      boolean done =
          checks != null && judge.value("router_settings.optional_pre_call_checks", checks, check);
      asked |= done && !check.equals("enforce_model_rate_limits");
    }
    Setting kept = in(own, "affinity");
    if (kept != null) {
      return interval(kept);
    }
    return asked || in(own, "affinity_by") != null ? Duration.ofMinutes(10) : null;
  }

  private static @Nullable Duration interval(Setting setting) {
    String text = setting.string();
    return text.equals("off") || text.equals("false") ? null : setting.duration();
  }

  private static List<String> strings(@Nullable Setting setting) {
    return setting == null ? List.of() : setting.strings();
  }

  /** {@code - name: [other, …]}, as a list of such, or as one group. */
  private static Map<String, List<String>> fallbacks(@Nullable Setting setting) {
    Map<String, List<String>> fallbacks = new HashMap<>();
    if (setting == null) {
      return fallbacks;
    }
    for (Setting item : setting.isMapping() ? List.of(setting) : setting.list()) {
      for (String name : item.names()) {
        List<String> others = new ArrayList<>(item.require(name).strings());
        if (fallbacks.putIfAbsent(name, others) != null) {
          throw item.error("gives " + name + " fallbacks a second time");
        }
      }
    }
    String all = "*";
    return fallbacks.containsKey(all) ? withoutStar(setting) : fallbacks;
  }

  private static Map<String, List<String>> withoutStar(Setting setting) {
    throw setting.error("write fallbacks of every model as default_fallbacks, not as *");
  }

  private Map<String, String> aliases(@Nullable Setting setting) {
    Map<String, String> aliases = new HashMap<>();
    if (setting != null) {
      for (String name : setting.names()) {
        Setting value = setting.require(name);
        aliases.put(name, value.isMapping() ? alias(value) : value.string());
      }
    }
    return aliases;
  }

  private String alias(Setting value) {
    Setting hidden = value.get("hidden");
    if (hidden != null && !hidden.bool()) {
      judge.noEffect(hidden, "lists do not show aliases");
    }
    String model = value.require("model").string();
    judge.unread("router_settings.model_group_alias[]", value);
    return model;
  }

  private static Map<String, Integer> priorities(@Nullable Setting setting) {
    Map<String, Integer> priorities = new HashMap<>();
    if (setting != null) {
      for (String name : setting.names()) {
        priorities.put(name, (int) setting.require(name).number(-1_000, 1_000));
      }
    }
    return priorities;
  }
}
