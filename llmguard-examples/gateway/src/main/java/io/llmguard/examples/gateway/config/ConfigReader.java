package io.llmguard.examples.gateway.config;

import io.llmguard.assembly.ByteSize;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.GuardSettings.Audit;
import io.llmguard.assembly.GuardSettings.AuditDurability;
import io.llmguard.assembly.GuardSettings.CeilingMode;
import io.llmguard.assembly.GuardSettings.Ceilings;
import io.llmguard.assembly.GuardSettings.CertificateRule;
import io.llmguard.assembly.GuardSettings.CertificateSource;
import io.llmguard.assembly.GuardSettings.ClientCertificates;
import io.llmguard.assembly.GuardSettings.Concurrency;
import io.llmguard.assembly.GuardSettings.JwtIssuer;
import io.llmguard.assembly.GuardSettings.Limits;
import io.llmguard.assembly.GuardSettings.OnOverflow;
import io.llmguard.assembly.GuardSettings.OnStoreFailure;
import io.llmguard.assembly.GuardSettings.RateLimits;
import io.llmguard.assembly.GuardSettings.RequestLimit;
import io.llmguard.assembly.GuardSettings.TokenLimit;
import io.llmguard.assembly.Secret;
import io.llmguard.examples.gateway.config.GatewayConfig.ClientAuth;
import io.llmguard.examples.gateway.config.GatewayConfig.Database;
import io.llmguard.examples.gateway.config.GatewayConfig.Deployment;
import io.llmguard.examples.gateway.config.GatewayConfig.Tls;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamOptions;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamServer;
import io.llmguard.network.CidrSet;
import io.llmguard.network.TransportStage.PlainHttp;
import java.io.IOException;
import java.io.Reader;
import java.io.StringReader;
import java.net.URI;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.Node;

/**
 * Reads LiteLLM's configuration file with llmguard's own settings under {@code llmguard:}.
 *
 * <p>An unknown setting under {@code llmguard:} is an error with its name and line; one of
 * LiteLLM's that has no effect here is a warning, unless leaving it away would leave a door open:
 * then it is an error too.
 */
public final class ConfigReader {
  private final String file;
  private final Function<String, @Nullable String> environment;
  private final List<String> warnings = new ArrayList<>();
  private final SettingJudge judge = new SettingJudge(warnings);
  private final Set<String> variables = new HashSet<>();
  private boolean litellm;

  private ConfigReader(String file, Function<String, @Nullable String> environment) {
    this.file = file;
    this.environment =
        name -> {
          variables.add(name);
          return environment.apply(name);
        };
  }

  /**
   * Reads a file.
   *
   * @param environment reads an environment variable, or answers null
   * @throws ConfigException if it cannot be used
   */
  public static GatewayConfig read(Path file, Function<String, @Nullable String> environment) {
    String text;
    try {
      text = Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new ConfigException(file + ": there is no such file");
    } catch (MalformedInputException e) {
      throw new ConfigException(file + ": is not UTF-8 text");
    } catch (IOException e) {
      throw new ConfigException(file + ": cannot be read: " + e.getMessage());
    }
    return new ConfigReader(file.toString(), environment).parse(text, file);
  }

  /** The settings that hold without a file. */
  public static GatewayConfig defaults(Function<String, @Nullable String> environment) {
    return new ConfigReader("defaults", environment).parse("", null);
  }

  private GatewayConfig parse(String text, @Nullable Path path) {
    Node root = compose(new StringReader(text));
    if (root == null) {
      root = compose(new StringReader("{}"));
    }
    if (root == null) {
      throw new ConfigException(file + ": cannot be read");
    }
    Setting top = new Setting(file, "", root, environment);
    Setting own = top.get("llmguard");
    Setting general = top.get("general_settings");
    Setting masterKey = general == null ? null : general.get("master_key");
    Setting litellmSettings = top.get("litellm_settings");
    Setting router = top.get("router_settings");
    litellm = general != null || litellmSettings != null || router != null;
    Path base = path == null || path.getParent() == null ? Path.of("") : path.getParent();
    List<Deployment> models =
        new ModelListReader(judge, ConfigReader::existing, base, router, litellmSettings)
            .upstreams(own == null ? null : own.get("upstreams"))
            .read(top.get("model_list"));
    Setting defaults = router == null ? null : router.get("default_litellm_params");
    ParametersReader parameters =
        new ParametersReader(own == null ? null : own.get("parameters"), defaults);
    RoutingConfig routing =
        new RoutingReader(judge, router, litellmSettings, own == null ? null : own.get("routing"))
            .read(parameters.general());
    CallbackSettings callbacks =
        new CallbackReader(environment, warnings, judge)
            .read(litellmSettings, own == null ? null : own.get("callbacks"));
    BudgetSettings budgets = BudgetReader.read(litellmSettings, own == null ? empty() : own);
    judge.unread("model_list[].litellm_params", defaults);
    judge.unread("general_settings", general);
    judge.unread("litellm_settings", litellmSettings);
    judge.unread("router_settings", router);
    judge.unread("(top level)", top);
    return settings(
        own == null ? empty() : own,
        path,
        masterKey,
        parameters.applied(models),
        routing,
        budgets,
        callbacks);
  }

  private @Nullable Node compose(Reader text) {
    LoaderOptions options = new LoaderOptions();
    options.setAllowDuplicateKeys(false);
    options.setMaxAliasesForCollections(20);
    options.setProcessComments(false);
    try {
      return new Yaml(options).compose(text);
    } catch (MarkedYAMLException e) {
      int line = e.getProblemMark() == null ? 1 : e.getProblemMark().getLine() + 1;
      throw new ConfigException(file, line, null, "is no YAML: " + e.getProblem());
    } catch (YAMLException e) {
      throw new ConfigException(file + ": is no YAML");
    }
  }

  private Setting empty() {
    Node node = compose(new StringReader("{}"));
    if (node == null) {
      throw new IllegalStateException();
    }
    return new Setting(file, "llmguard", node, environment);
  }

  private GatewayConfig settings(
      Setting own,
      @Nullable Path path,
      @Nullable Setting masterKey,
      List<Deployment> models,
      RoutingConfig routing,
      BudgetSettings budgets,
      CallbackSettings callbacks) {
    own.get("callbacks");
    own.get("parameters");
    own.get("routing");
    own.get("upstreams");
    Path base = path == null || path.getParent() == null ? Path.of("") : path.getParent();
    Setting dataDir = own.get("data_dir");
    Setting adminListen = own.get("admin_listen");
    Setting hsts = own.get("hsts");
    Setting plainHttp = own.get("plain_http");
    Setting hosts = own.get("hosts");
    Setting listen = own.get("listen");
    Setting headers = own.get("key_headers");
    Setting upstream = own.get("upstream");
    if (own.get("redis") != null) {
      throw own.require("redis").error("this version keeps its counters in memory only");
    }
    if (upstream != null && !models.isEmpty()) {
      throw upstream.error("is for a gateway without model_list; every model names its api_base");
    }
    Setting certificates = own.get("client_certificates");
    GuardSettings guard =
        new GuardSettings(
            dataDir == null ? Path.of("llmguard-data") : base.resolve(dataDir.string()),
            masterKey(masterKey),
            true,
            headers == null ? List.of() : headers.strings(),
            jwt(own.get("jwt")),
            clientCertificates(certificates),
            blocks(own.get("allow_networks")),
            blocks(own.get("deny_networks")),
            blocks(own.get("trusted_proxies")),
            hosts == null ? List.of() : hosts.strings(),
            plainHttp == null ? PlainHttp.REFUSE : plainHttp.oneOf(PlainHttp.class),
            hsts == null ? null : hsts.duration(),
            rateLimits(own.get("rate_limits")),
            concurrency(own.get("concurrency")),
            limits(own.get("limits")),
            ceilings(own.get("ceilings")),
            audit(own.get("audit"), base),
            ContentGuardReader.read(own.get("content_guards")));
    if (litellm) {
      judge.environment(file, environment, Set.copyOf(variables));
    }
    GatewayConfig config =
        new GatewayConfig(
            path,
            listen == null ? new HostPort("127.0.0.1", 8081) : hostPort(listen),
            adminListen == null ? null : hostPort(adminListen),
            headTime(own.get("limits")),
            tls(own.get("tls"), base),
            database(own.get("database")),
            durationOr(own.get("key_staleness"), Duration.ofMinutes(10)),
            models,
            upstream == null ? null : upstream(upstream),
            routing,
            guard,
            budgets,
            callbacks,
            warnings);
    own.refuseUnknown();
    return config;
  }

  private @Nullable Secret masterKey(@Nullable Setting setting) {
    if (setting == null) {
      return null;
    }
    String value = setting.string();
    if (value.isBlank()) {
      throw setting.error("must not be empty");
    }
    if (value.length() < 24) {
      warnings.add(
          setting.place()
              + ": "
              + setting.path()
              + " is short and may be guessed; take 32 random characters or more");
    }
    return new Secret(value);
  }

  private static HostPort hostPort(Setting setting) {
    try {
      return HostPort.parse(setting.string());
    } catch (IllegalArgumentException e) {
      throw setting.error(String.valueOf(e.getMessage()));
    }
  }

  private static @Nullable Tls tls(@Nullable Setting tls, Path base) {
    if (tls == null) {
      return null;
    }
    Setting clientCa = tls.get("client_ca");
    Setting auth = tls.get("client_auth");
    Setting password = tls.get("key_password");
    ClientAuth clientAuth =
        auth != null
            ? auth.oneOf(ClientAuth.class)
            : clientCa == null ? ClientAuth.NONE : ClientAuth.NEED;
    if (clientAuth != ClientAuth.NONE && clientCa == null) {
      throw tls.error("client_auth needs client_ca, the authorities of client certificates");
    }
    Tls read =
        new Tls(
            existing(tls.require("certificate"), base),
            existing(tls.require("key"), base),
            password == null ? null : new Secret(password.string()),
            clientCa == null ? null : existing(clientCa, base),
            clientAuth);
    tls.refuseUnknown();
    return read;
  }

  private static Path existing(Setting setting, Path base) {
    Path file = base.resolve(setting.string());
    if (!Files.isReadable(file)) {
      throw setting.error("the file " + file + " does not exist or cannot be read");
    }
    return file;
  }

  private static @Nullable Database database(@Nullable Setting setting) {
    if (setting == null) {
      return null;
    }
    if (setting.isMapping()) {
      Setting user = setting.get("user");
      Setting password = setting.get("password");
      Database database =
          new Database(
              jdbcUrl(setting.require("url")),
              user == null ? null : user.string(),
              password == null ? null : new Secret(password.string()));
      setting.refuseUnknown();
      return database;
    }
    return fromUrl(setting);
  }

  private static String jdbcUrl(Setting setting) {
    String url = setting.string();
    if (!url.startsWith("jdbc:postgresql:") && !url.startsWith("jdbc:sqlite:")) {
      throw setting.error("must be a URL that begins with jdbc:postgresql: or jdbc:sqlite:");
    }
    return url;
  }

  private static Database fromUrl(Setting setting) {
    String text = setting.string();
    if (text.startsWith("jdbc:")) {
      return new Database(jdbcUrl(setting), null, null);
    }
    URI uri;
    try {
      uri = URI.create(text);
    } catch (IllegalArgumentException e) {
      throw setting.error("is no URL"); // without the text: it may hold a password
    }
    if (uri.getHost() == null
        || !("postgresql".equals(uri.getScheme()) || "postgres".equals(uri.getScheme()))) {
      throw setting.error("must be postgresql://USER:PASSWORD@HOST:PORT/NAME or a jdbc: URL");
    }
    String info = uri.getUserInfo();
    int colon = info == null ? -1 : info.indexOf(':');
    String port = uri.getPort() < 0 ? "" : ":" + uri.getPort();
    String query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
    return new Database(
        "jdbc:postgresql://" + uri.getHost() + port + uri.getRawPath() + query,
        info == null ? null : colon < 0 ? info : info.substring(0, colon),
        info == null || colon < 0 ? null : new Secret(info.substring(colon + 1)));
  }

  static String serverName(String base) {
    URI uri = URI.create(base);
    return uri.getHost() + (uri.getPort() < 0 ? "" : ":" + uri.getPort());
  }

  /** The server of a bare {@code --upstream URL} or {@code llmguard.upstream}. */
  public static UpstreamServer upstreamAt(String url) {
    return new UpstreamServer(serverName(url), url, true, null, UpstreamOptions.NONE);
  }

  private static UpstreamServer upstream(Setting setting) {
    return upstreamAt(httpUrl(setting));
  }

  static String httpUrl(Setting setting) {
    try {
      return checkedUrl(setting.string());
    } catch (IllegalArgumentException e) {
      throw setting.error(String.valueOf(e.getMessage()));
    }
  }

  /**
   * A URL of a server without its last slash.
   *
   * @throws IllegalArgumentException with a message that says what was expected
   */
  public static String checkedUrl(String text) {
    URI uri;
    try {
      uri = URI.create(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("is no URL", e);
    }
    boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
    if (!http || uri.getHost() == null) {
      throw new IllegalArgumentException("must be a URL such as http://127.0.0.1:11434");
    }
    if (uri.getUserInfo() != null || uri.getRawQuery() != null || uri.getRawFragment() != null) {
      throw new IllegalArgumentException("must be a URL without user, query and fragment");
    }
    return text.endsWith("/") ? text.substring(0, text.length() - 1) : text;
  }

  private static RateLimits rateLimits(@Nullable Setting setting) {
    if (setting == null) {
      return RateLimits.DEFAULTS;
    }
    Setting key = setting.get("per_key");
    Setting ip = setting.get("per_ip");
    Setting tokens = setting.get("tokens");
    Setting models = setting.get("per_model");
    Map<String, RequestLimit> perModel = new LinkedHashMap<>();
    if (models != null) {
      for (String model : models.names()) {
        perModel.put(model, requestLimit(models.require(model)));
      }
    }
    setting.refuseUnknown();
    return new RateLimits(
        key == null ? RateLimits.DEFAULTS.perKey() : requestLimit(key),
        ip == null ? RateLimits.DEFAULTS.perIp() : requestLimit(ip),
        tokens == null ? null : tokenLimit(tokens),
        perModel);
  }

  private static RequestLimit requestLimit(Setting setting) {
    Setting burst = setting.get("burst");
    RequestLimit limit =
        new RequestLimit(
            setting.require("requests").number(1, 1_000_000_000_000L),
            setting.require("per").duration(),
            burst == null ? 0 : burst.number(0, 1_000_000_000L),
            shadow(setting),
            onStoreFailure(setting));
    setting.refuseUnknown();
    return limit;
  }

  private static TokenLimit tokenLimit(Setting setting) {
    Setting burst = setting.get("burst");
    long tokens = setting.require("tokens").number(1, 1_000_000_000_000L);
    TokenLimit limit =
        new TokenLimit(
            tokens,
            setting.require("per").duration(),
            burst == null ? tokens - 1 : burst.number(0, 1_000_000_000L),
            shadow(setting),
            onStoreFailure(setting));
    setting.refuseUnknown();
    return limit;
  }

  private static boolean shadow(Setting limit) {
    Setting shadow = limit.get("shadow");
    return shadow != null && shadow.bool();
  }

  private static OnStoreFailure onStoreFailure(Setting limit) {
    Setting failure = limit.get("on_store_failure");
    return failure == null ? OnStoreFailure.FAIL_CLOSED : failure.oneOf(OnStoreFailure.class);
  }

  private static Concurrency concurrency(@Nullable Setting setting) {
    if (setting == null) {
      return Concurrency.NONE;
    }
    Setting perKey = setting.get("per_key");
    Setting total = setting.get("total");
    Concurrency concurrency =
        new Concurrency(
            perKey == null ? null : (int) perKey.number(1, 1_000_000),
            total == null ? null : (int) total.number(1, 1_000_000),
            shadow(setting));
    setting.refuseUnknown();
    return concurrency;
  }

  private static List<String> blocks(@Nullable Setting setting) {
    if (setting == null) {
      return List.of();
    }
    List<String> blocks = setting.strings();
    try {
      CidrSet.of(blocks.toArray(String[]::new));
    } catch (IllegalArgumentException e) {
      throw setting.error(String.valueOf(e.getMessage()));
    }
    return blocks;
  }

  private static Audit audit(@Nullable Setting setting, Path base) {
    if (setting == null) {
      return Audit.DEFAULTS;
    }
    Setting file = setting.get("file");
    Setting secret = setting.get("hmac_secret");
    Setting durability = setting.get("durability");
    Setting overflow = setting.get("on_overflow");
    Setting rotate = setting.get("rotate_size");
    Setting content = setting.get("content");
    Audit audit =
        new Audit(
            true,
            file == null ? null : base.resolve(file.string()),
            secret == null ? null : new Secret(secret.string()),
            durability == null ? AuditDurability.FLUSH : durability.oneOf(AuditDurability.class),
            overflow == null ? OnOverflow.REFUSE : overflow.oneOf(OnOverflow.class),
            rotate == null ? null : new ByteSize(rotate.bytes(4096, Long.MAX_VALUE)),
            content != null && content.bool());
    setting.refuseUnknown();
    return audit;
  }

  private static Duration headTime(@Nullable Setting limits) {
    Setting head = limits == null ? null : limits.get("head");
    return durationOr(head, Duration.ofSeconds(60));
  }

  private Limits limits(@Nullable Setting given) {
    Setting setting = given == null ? empty() : given;
    setting.get("head");
    Limits usual = Limits.DEFAULTS;
    Setting body = setting.get("body");
    Setting upload = setting.get("upload");
    Setting response = setting.get("response");
    Limits limits =
        new Limits(
            body == null ? usual.body() : new ByteSize(body.bytes(1024, 1 << 30)),
            durationOr(setting.get("body_time"), usual.bodyTime()),
            upload == null ? usual.upload() : new ByteSize(upload.bytes(1024, 1 << 30)),
            durationOr(setting.get("connect"), usual.connect()),
            durationOr(setting.get("first_byte"), usual.firstByte()),
            durationOr(setting.get("idle"), usual.idle()),
            durationOr(setting.get("total"), usual.total()),
            response == null ? null : new ByteSize(response.bytes(1024, Long.MAX_VALUE)),
            durationOr(setting.get("drain"), usual.drain()));
    setting.refuseUnknown();
    return limits;
  }

  private static Duration durationOr(@Nullable Setting setting, Duration fallback) {
    return setting == null ? fallback : setting.duration();
  }

  private Ceilings ceilings(@Nullable Setting given) {
    Setting setting = given == null ? empty() : given;
    Setting mode = setting.get("mode");
    Setting output = setting.get("output_tokens");
    Setting context = setting.get("context");
    Setting keepAlive = setting.get("keep_alive");
    Setting minKeepAlive = setting.get("min_keep_alive");
    Setting loadOnly = setting.get("load_only");
    Setting logprobs = setting.get("logprobs");
    Setting choices = setting.get("choices");
    Setting loadOptions = setting.get("load_options");
    Setting images = setting.get("remote_images");
    Setting tools = setting.get("server_tools");
    Ceilings ceilings =
        new Ceilings(
            mode == null ? CeilingMode.CLAMP : mode.oneOf(CeilingMode.class),
            output == null ? null : output.number(1, 1_000_000_000),
            context == null ? null : context.number(1, 1_000_000_000),
            keepAlive == null ? null : keepAlive.duration(),
            minKeepAlive == null ? null : minKeepAlive.duration(),
            loadOnly == null || loadOnly.bool(),
            loadOptions == null || loadOptions.bool(),
            logprobs == null ? null : (int) logprobs.number(0, 1000),
            choices == null ? null : (int) choices.number(1, 1000),
            images != null && images.bool(),
            tools != null && tools.bool(),
            shadow(setting));
    setting.refuseUnknown();
    return ceilings;
  }

  private static List<JwtIssuer> jwt(@Nullable Setting setting) {
    List<JwtIssuer> issuers = new ArrayList<>();
    if (setting != null) {
      for (Setting item : setting.isMapping() ? List.of(setting) : setting.list()) {
        Setting algorithms = item.get("algorithms");
        Setting scopes = item.get("scopes_claim");
        Setting models = item.get("models_claim");
        Setting limits = item.get("limits_claim");
        Setting types = item.get("types");
        Setting skew = item.get("clock_skew");
        issuers.add(
            new JwtIssuer(
                item.require("issuer").string(),
                item.require("audience").strings(),
                httpUrl(item.require("jwks_url")),
                algorithms == null ? List.of("RS256", "ES256") : algorithms.strings(),
                scopes == null ? null : scopes.string(),
                models == null ? null : models.string(),
                limits == null ? null : limits.string(),
                types == null ? List.of() : types.strings(),
                skew == null ? null : skew.duration()));
        item.refuseUnknown();
      }
    }
    return issuers;
  }

  private static @Nullable ClientCertificates clientCertificates(@Nullable Setting setting) {
    if (setting == null) {
      return null;
    }
    Setting source = setting.get("source");
    List<CertificateRule> rules = new ArrayList<>();
    for (Setting rule : setting.require("rules").list()) {
      rules.add(certificateRule(rule));
    }
    setting.refuseUnknown();
    if (rules.isEmpty()) {
      throw setting.error("needs at least one rule: no certificate would be taken");
    }
    return new ClientCertificates(
        source == null ? CertificateSource.CONNECTION : source.oneOf(CertificateSource.class),
        rules);
  }

  private static CertificateRule certificateRule(Setting rule) {
    Setting subject = rule.get("subject");
    Setting san = rule.get("san");
    Setting sha256 = rule.get("sha256");
    Setting scopes = rule.get("scopes");
    Setting models = rule.get("models");
    if (subject == null && san == null && sha256 == null) {
      throw rule.error("needs one of subject, san and sha256");
    }
    CertificateRule read =
        new CertificateRule(
            rule.require("caller").string(),
            subject == null ? null : subject.string(),
            san == null ? null : san.string(),
            sha256 == null ? null : sha256.string(),
            scopes == null ? List.of() : scopes.strings(),
            models == null ? List.of() : models.strings());
    rule.refuseUnknown();
    return read;
  }
}
