package io.llmguard.examples.gateway.config;

import io.llmguard.assembly.Secret;
import io.llmguard.callback.WebhookTarget;
import io.llmguard.examples.gateway.config.CallbackSettings.Langfuse;
import io.llmguard.examples.gateway.config.CallbackSettings.Otlp;
import io.llmguard.examples.gateway.config.CallbackSettings.Webhook;
import io.llmguard.examples.gateway.config.CallbackSettings.When;
import java.net.URI;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads LiteLLM's callbacks, {@code llmguard.callbacks}, and the environment that they need. */
final class CallbackReader {
  private static final String DEFAULT_LANGFUSE = "https://cloud.langfuse.com";
  private static final String LANGFUSE_CLOUD = "cloud.langfuse.com";

  /** LiteLLM's, for the callback of that name. */
  private static final String DEFAULT_LANGFUSE_OTEL = "https://us.cloud.langfuse.com";

  private final Function<String, @Nullable String> environment;
  private final List<String> warnings;
  private final SettingJudge judge;

  CallbackReader(
      Function<String, @Nullable String> environment, List<String> warnings, SettingJudge judge) {
    this.environment = environment;
    this.warnings = warnings;
    this.judge = judge;
  }

  CallbackSettings read(@Nullable Setting litellm, @Nullable Setting own) {
    Map<String, Setting> success = names(litellm, "success_callback");
    Map<String, Setting> failure = names(litellm, "failure_callback");
    Map<String, Setting> both = names(litellm, "callbacks");
    Map<String, Setting> places = new TreeMap<>(both);
    places.putAll(failure);
    places.putAll(success);
    Langfuse langfuse = null;
    Langfuse langfuseOtel = null;
    Otlp otlp = null;
    for (Map.Entry<String, Setting> entry : places.entrySet()) {
      String name = entry.getKey();
      Setting place = entry.getValue();
      When when =
          new When(
              success.containsKey(name) || both.containsKey(name),
              failure.containsKey(name) || both.containsKey(name));
      switch (name) {
        case "langfuse" -> langfuse = langfuse(when, place, name, DEFAULT_LANGFUSE);
        case "langfuse_otel" -> langfuseOtel = langfuse(when, place, name, DEFAULT_LANGFUSE_OTEL);
        case "otel" -> otlp = otlp(when, place);
        case "prometheus" -> {
          // /metrics is always there
        }
        default -> {
          // a guard is a callback to LiteLLM: without it the start is refused
          if (judge.knows("callbacks", name)) {
            judge.value("callbacks", place, name);
          } else {
            warnings.add(
                place.place()
                    + ": "
                    + place.path()
                    + ": there is no callback "
                    + name
                    + "; there are langfuse, langfuse_otel, otel, prometheus and llmguard.callbacks.webhook");
          }
        }
      }
    }
    boolean off = flag(litellm, "turn_off_message_logging");
    boolean content = flag(own, "content");
    Webhook webhook = own == null ? null : webhook(own.get("webhook"));
    if (own != null) {
      own.refuseUnknown();
    }
    return new CallbackSettings(
        content && !off,
        flag(litellm, "redact_user_api_key_info"),
        langfuse,
        langfuseOtel,
        otlp,
        webhook);
  }

  private static Map<String, Setting> names(@Nullable Setting section, String name) {
    Setting list = section == null ? null : section.get(name);
    Map<String, Setting> names = new LinkedHashMap<>();
    if (list != null) {
      list.strings().forEach(callback -> names.put(callback, list));
    }
    return names;
  }

  private static boolean flag(@Nullable Setting section, String name) {
    Setting setting = section == null ? null : section.get(name);
    return setting != null && setting.bool();
  }

  private @Nullable Langfuse langfuse(When when, Setting place, String name, String otherwise) {
    String publicKey = variable("LANGFUSE_PUBLIC_KEY");
    String secretKey = variable("LANGFUSE_SECRET_KEY");
    if (publicKey == null || secretKey == null) {
      warnings.add(
          place.place()
              + ": "
              + place.path()
              + ": "
              + name
              + " is off: set LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY in the"
              + " environment");
      return null;
    }
    List<String> names = new ArrayList<>(List.of("LANGFUSE_HOST", "LANGFUSE_BASE_URL"));
    if (name.equals("langfuse_otel")) {
      names.add(0, "LANGFUSE_OTEL_HOST");
    }
    URI host = URI.create(otherwise);
    for (String variable : names) {
      String value = variable(variable);
      if (value != null) {
        host = url(place, variable, value);
        break;
      }
    }
    if (name.equals("langfuse") && String.valueOf(host.getHost()).endsWith(LANGFUSE_CLOUD)) {
      warnings.add(
          place.place()
              + ": "
              + place.path()
              + ": Langfuse's cloud has announced the end of the API that langfuse uses for 16"
              + " November 2026: name langfuse_otel in its place");
    }
    return new Langfuse(when, host, publicKey, new Secret(secretKey));
  }

  private @Nullable Otlp otlp(When when, Setting place) {
    String endpoint = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
    endpoint = endpoint == null ? variable("OTEL_ENDPOINT") : endpoint;
    if (endpoint == null) {
      warnings.add(
          place.place()
              + ": "
              + place.path()
              + ": otel is off: set OTEL_EXPORTER_OTLP_ENDPOINT in the environment, such as"
              + " http://localhost:4318");
      return null;
    }
    String headers = variable("OTEL_EXPORTER_OTLP_HEADERS");
    headers = headers == null ? variable("OTEL_HEADERS") : headers;
    String service = variable("OTEL_SERVICE_NAME");
    return new Otlp(
        when,
        url(place, "OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        headers(place, headers),
        service == null ? "llmguard" : service);
  }

  private static Map<String, Secret> headers(Setting place, @Nullable String text) {
    Map<String, Secret> headers = new LinkedHashMap<>();
    if (text != null) {
      for (String pair : text.split(",", -1)) {
        int equals = pair.indexOf('=');
        if (equals < 1) {
          throw place.error("OTEL_EXPORTER_OTLP_HEADERS must be name=value,name=value");
        }
        headers.put(
            pair.substring(0, equals).strip(), new Secret(pair.substring(equals + 1).strip()));
      }
    }
    return headers;
  }

  private static @Nullable Webhook webhook(@Nullable Setting setting) {
    if (setting == null) {
      return null;
    }
    Setting url = setting.require("url");
    Setting secret = setting.require("secret");
    URI uri;
    try {
      uri = URI.create(url.string());
    } catch (IllegalArgumentException e) {
      throw url.error("is no URL"); // without the text: it may hold a token
    }
    if (!"https".equals(uri.getScheme()) && !"http".equals(uri.getScheme())) {
      throw url.error("must be a URL such as https://hooks.example/llm");
    }
    String value = secret.string();
    try {
      new WebhookTarget(uri, value).close();
    } catch (IllegalArgumentException e) {
      throw secret.error(String.valueOf(e.getMessage()));
    }
    setting.refuseUnknown();
    return new Webhook(new When(true, true), uri, new Secret(value));
  }

  private @Nullable String variable(String name) {
    String value = environment.apply(name);
    return value == null || value.isBlank() ? null : value;
  }

  private static URI url(Setting place, String name, String text) {
    try {
      return URI.create(ConfigReader.checkedUrl(text));
    } catch (IllegalArgumentException e) {
      throw place.error("the environment variable " + name + " " + e.getMessage());
    }
  }
}
