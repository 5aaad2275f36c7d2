package io.llmguard.examples.gateway.config;

import io.llmguard.assembly.Secret;
import io.llmguard.budget.Price;
import io.llmguard.examples.gateway.config.GatewayConfig.Deployment;
import io.llmguard.examples.gateway.config.GatewayConfig.DeploymentLimits;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamOptions;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamServer;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamTls;
import io.llmguard.wire.Parameters;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Reads {@code model_list}, and what {@code llmguard.upstreams} adds about its servers. */
final class ModelListReader {
  private static final List<String> OPENAI =
      List.of("openai", "hosted_vllm", "llamafile", "lm_studio");

  private final SettingJudge judge;
  private final BiFunction<Setting, Path, Path> existing;
  private final Path base;
  private final boolean checkInput;
  private final @Nullable Setting parallelRequests;
  private final @Nullable Duration timeout;
  private final @Nullable Duration streamTimeout;
  private final Map<String, Server> servers = new HashMap<>();

  /** What is said about a server apart from its models. */
  private record Server(
      @Nullable String name,
      @Nullable UpstreamTls tls,
      boolean cancel,
      Map<String, Secret> headers) {}

  /**
   * A reader.
   *
   * @param judge judges what nobody has asked for
   * @param existing resolves a setting that names a file
   * @param base where files are
   */
  ModelListReader(
      SettingJudge judge,
      BiFunction<Setting, Path, Path> existing,
      Path base,
      @Nullable Setting router,
      @Nullable Setting litellm) {
    this.judge = judge;
    this.existing = existing;
    this.base = base;
    Setting checks = router == null ? null : router.get("enable_pre_call_checks");
    checkInput = checks != null && checks.bool();
    parallelRequests = router == null ? null : router.get("default_max_parallel_requests");
    Setting general = litellm == null ? null : litellm.get("request_timeout");
    Setting all = router == null ? null : router.get("timeout");
    Setting stream = router == null ? null : router.get("stream_timeout");
    timeout = seconds(all == null ? general : all);
    streamTimeout = seconds(stream);
  }

  /** Takes notice of {@code llmguard.upstreams}. */
  ModelListReader upstreams(@Nullable Setting list) {
    if (list == null) {
      return this;
    }
    for (Setting item : list.list()) {
      Setting name = item.get("name");
      Setting cancel = item.get("cancel_on_disconnect");
      Setting where = item.require("api_base");
      Server server =
          new Server(
              name == null ? null : name.string(),
              tls(item),
              cancel == null || cancel.bool(),
              secrets(item.get("headers")));
      item.refuseUnknown();
      if (servers.put(withoutVersion(ConfigReader.httpUrl(where)), server) != null) {
        throw where.error("is described twice");
      }
    }
    return this;
  }

  private @Nullable UpstreamTls tls(Setting item) {
    Setting ca = item.get("ca");
    Setting certificate = item.get("certificate");
    Setting key = item.get("key");
    Setting password = item.get("key_password");
    if ((certificate == null) != (key == null)) {
      throw item.error("certificate and key go together");
    }
    return ca == null && certificate == null
        ? null
        : new UpstreamTls(
            ca == null ? null : existing.apply(ca, base),
            certificate == null ? null : existing.apply(certificate, base),
            key == null ? null : existing.apply(key, base),
            password == null ? null : new Secret(password.string()));
  }

  List<Deployment> read(@Nullable Setting list) {
    List<Deployment> models = new ArrayList<>();
    if (list == null) {
      return models;
    }
    for (Setting item : list.list()) {
      models.add(deployment(item));
    }
    if (models.isEmpty()) {
      throw list.error("lists no model; leave it away to allow every model of one upstream");
    }
    return models;
  }

  private Deployment deployment(Setting item) {
    String name = item.require("model_name").string();
    Setting params = item.require("litellm_params");
    Setting modelSetting = params.require("model");
    String model = modelSetting.string();
    int slash = model.indexOf('/');
    String provider = slash < 0 ? "" : model.substring(0, slash);
    boolean ollama = provider.equals("ollama") || provider.equals("ollama_chat");
    if (!ollama && !OPENAI.contains(provider)) {
      throw modelSetting.error("must be ollama/NAME or openai/NAME: no other provider is known");
    }
    if (model.indexOf('*') >= 0 && name.indexOf('*') < 0) {
      throw modelSetting.error("has a *, for which nothing stands in model_name");
    }
    Setting apiBase = params.get("api_base");
    String url =
        apiBase == null && ollama
            ? "http://127.0.0.1:11434"
            : withoutVersion(ConfigReader.httpUrl(params.require("api_base")));
    DeploymentLimits limits = limits(item, params);
    Price price = BudgetReader.price(params, item.get("model_info"));
    Parameters parameters = ParametersReader.defaults(params);
    UpstreamServer server = server(params, url, ollama);
    judge.unread("model_list[].litellm_params", params);
    judge.unread("model_list[].model_info", item.get("model_info"));
    judge.unread("model_list[]", item);
    return new Deployment(name, model.substring(slash + 1), server, limits, price, parameters);
  }

  private DeploymentLimits limits(Setting item, Setting params) {
    Setting info = item.get("model_info");
    Setting id = info == null ? null : info.get("id");
    Setting input = info == null ? null : info.get("max_input_tokens");
    Setting weight = params.get("weight");
    Setting order = params.get("order");
    Setting own = params.get("max_parallel_requests");
    Setting parallel = own == null ? parallelRequests : own;
    return new DeploymentLimits(
        id == null ? null : id.string(),
        weight == null ? null : weight.decimal(0, 1_000_000_000),
        limit(params.get("rpm"), info, "rpm"),
        limit(params.get("tpm"), info, "tpm"),
        order == null ? 1 : (int) order.number(0, 1_000),
        parallel == null ? null : (int) parallel.number(1, 1_000_000),
        input == null || !checkInput ? null : input.number(1, 1_000_000_000_000L));
  }

  /** LiteLLM takes it in two places; the one in {@code litellm_params} counts. */
  private static @Nullable Long limit(@Nullable Setting own, @Nullable Setting info, String name) {
    Setting second = info == null ? null : info.get(name);
    Setting setting = own == null ? second : own;
    return setting == null ? null : setting.number(1, 1_000_000_000_000L);
  }

  private UpstreamServer server(Setting params, String url, boolean ollama) {
    Setting apiKey = params.get("api_key");
    Secret credential =
        apiKey == null || apiKey.string().equals("none") ? null : new Secret(apiKey.string());
    Server more = servers.getOrDefault(url, new Server(null, null, true, Map.of()));
    Map<String, Secret> headers = new LinkedHashMap<>(more.headers());
    headers.putAll(secrets(params.get("headers")));
    headers.putAll(secrets(params.get("extra_headers")));
    Duration own = seconds(params.get("timeout"));
    Duration stream = seconds(params.get("stream_timeout"));
    Duration plain = own == null ? timeout : own;
    Duration first = stream == null ? streamTimeout : stream;
    return new UpstreamServer(
        more.name() == null ? ConfigReader.serverName(url) : more.name(),
        url,
        ollama,
        credential,
        new UpstreamOptions(
            headers, plain, first == null ? plain : first, tls(params, more), more.cancel()));
  }

  private @Nullable UpstreamTls tls(Setting params, Server more) {
    Setting verify = params.get("ssl_verify");
    if (verify == null || verify.string().equalsIgnoreCase("true")) {
      return more.tls();
    }
    if (verify.string().equalsIgnoreCase("false")) {
      throw verify.error("without it anybody could stand in for the server; name its CA instead");
    }
    Path ca = existing.apply(verify, base);
    UpstreamTls tls = more.tls();
    return tls == null
        ? new UpstreamTls(ca, null, null, null)
        : new UpstreamTls(ca, tls.certificate(), tls.key(), tls.keyPassword());
  }

  private static Map<String, Secret> secrets(@Nullable Setting setting) {
    Map<String, Secret> secrets = new LinkedHashMap<>();
    if (setting != null) {
      for (String name : setting.names()) {
        secrets.put(name, new Secret(setting.require(name).string()));
      }
    }
    return secrets;
  }

  private static @Nullable Duration seconds(@Nullable Setting setting) {
    return setting == null
        ? null
        : Duration.ofMillis(Math.max(1, Math.round(setting.decimal(0, 1_000_000) * 1_000)));
  }

  /**
   * LiteLLM's addresses of OpenAI-compatible servers end in the version; paths here begin with it.
   */
  private static String withoutVersion(String url) {
    return url.endsWith("/v1") ? url.substring(0, url.length() - 3) : url;
  }
}
