package io.llmguard.examples.gateway.config;

import io.llmguard.examples.gateway.config.GatewayConfig.Deployment;
import io.llmguard.wire.Parameters;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Reads {@code llmguard.parameters}, and the parameters of a call that LiteLLM takes in {@code
 * litellm_params}, where they hold for calls that do not set them.
 */
final class ParametersReader {
  private static final List<String> LITELLM =
      List.of(
          "temperature",
          "top_p",
          "top_k",
          "min_p",
          "seed",
          "stop",
          "presence_penalty",
          "frequency_penalty",
          "repeat_penalty",
          "repetition_penalty");

  private final Parameters general;
  private final Map<String, Parameters> byModel = new HashMap<>();
  private final Map<String, Setting> settings = new HashMap<>();

  /**
   * A reader.
   *
   * @param own {@code llmguard.parameters}
   * @param litellm {@code router_settings.default_litellm_params}
   */
  ParametersReader(@Nullable Setting own, @Nullable Setting litellm) {
    general = decided(own).over(defaults(litellm));
    Setting models = own == null ? null : own.get("models");
    if (models != null) {
      for (String model : models.names()) {
        Setting setting = models.require(model);
        byModel.put(model, decided(setting));
        settings.put(model, setting);
        setting.refuseUnknown();
      }
    }
    if (own != null) {
      own.refuseUnknown();
    }
  }

  /** What holds for every model. */
  Parameters general() {
    return general;
  }

  /**
   * The deployments with what holds for their models.
   *
   * @throws ConfigException if something is decided for a model that there is not
   */
  List<Deployment> applied(List<Deployment> models) {
    List<Deployment> applied = new ArrayList<>();
    for (Deployment model : models) {
      settings.remove(model.name());
      Parameters own = byModel.getOrDefault(model.name(), Parameters.NONE);
      applied.add(model.with(own.over(model.parameters())));
    }
    for (Setting unused : settings.values()) {
      throw unused.error("is for no model_name of model_list");
    }
    return applied;
  }

  /** The parameters that LiteLLM gives calls that do not set them. */
  static Parameters defaults(@Nullable Setting litellm) {
    Parameters.Builder defaults = Parameters.builder();
    if (litellm != null) {
      for (String name : LITELLM) {
        take(litellm.get(name), name, defaults::byDefault);
      }
    }
    return defaults.build();
  }

  private static Parameters decided(@Nullable Setting setting) {
    Parameters.Builder decided = Parameters.builder();
    if (setting == null) {
      return decided.build();
    }
    Setting lock = setting.get("lock");
    Setting byDefault = setting.get("default");
    Setting refuse = setting.get("refuse");
    if (lock != null) {
      lock.names().forEach(name -> take(lock.require(name), name, decided::lock));
    }
    if (byDefault != null) {
      byDefault.names().forEach(name -> take(byDefault.require(name), name, decided::byDefault));
    }
    if (refuse != null) {
      for (String name : refuse.strings()) {
        try {
          decided.refuse(name);
        } catch (IllegalArgumentException e) {
          throw refuse.error(String.valueOf(e.getMessage()));
        }
      }
    }
    return decided.build();
  }

  private static void take(
      @Nullable Setting setting, String name, BiConsumer<String, Object> decide) {
    if (setting == null) {
      return;
    }
    try {
      decide.accept(name, value(setting));
    } catch (IllegalArgumentException e) {
      throw setting.error(String.valueOf(e.getMessage()));
    }
  }

  private static Object value(Setting setting) {
    if (setting.isList()) {
      return setting.strings();
    }
    String text = setting.string();
    if (text.equals("true") || text.equals("false")) {
      return Boolean.valueOf(text);
    }
    try {
      return new BigDecimal(text);
    } catch (NumberFormatException e) {
      return text;
    }
  }
}
