package io.llmguard.examples.gateway.command;

import io.llmguard.TimeSource;
import io.llmguard.budget.BudgetWindow;
import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.Durations;
import io.llmguard.key.Expiry;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.KeyRecord;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import io.llmguard.wire.CallerCeilings;
import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

@Command(
    name = "create",
    description = "Makes a key and prints it, once.",
    mixinStandardHelpOptions = true)
final class KeyCreateCommand extends StoreCommand {
  @Option(names = "--name", required = true, paramLabel = "NAME", description = "for people")
  private String name = "";

  @Option(names = "--owner", paramLabel = "WHO", description = "to whom the key is given")
  private @Nullable String owner;

  @Option(names = "--team", paramLabel = "TEAM", description = "the team it belongs to")
  private @Nullable String team;

  @Option(
      names = "--models",
      split = ",",
      paramLabel = "MODEL",
      description = "models it may name, * for any characters (default: all)")
  private List<String> models = List.of();

  @Option(
      names = "--scopes",
      split = ",",
      paramLabel = "SCOPE",
      description =
          "inference, embeddings, models:read, models:write, admin (default: the first three)")
  private List<String> scopes = List.of();

  @Option(
      names = "--networks",
      split = ",",
      paramLabel = "CIDR",
      description = "addresses it may be used from (default: any)")
  private List<String> networks = List.of();

  @Option(
      names = "--expires",
      paramLabel = "WHEN",
      description = "a duration such as 30d, or a time such as 2027-01-31T00:00:00Z")
  private @Nullable String expires;

  @Option(
      names = "--requests",
      paramLabel = "N/TIME",
      description = "calls over time, such as 60/1m (default: the configured limit)")
  private @Nullable String requests;

  @Option(
      names = "--burst",
      paramLabel = "N",
      description = "how many calls beyond that rate may come at once (default: 0)")
  private @Nullable Long burst;

  @Option(
      names = "--tokens",
      paramLabel = "N/TIME",
      description = "tokens over time, such as 100000/1h (default: the configured limit)")
  private @Nullable String tokens;

  @Option(
      names = "--concurrency",
      paramLabel = "N",
      description = "calls at once (default: the configured limit)")
  private @Nullable Integer concurrency;

  @Option(
      names = "--priority",
      paramLabel = "N",
      description =
          "-1000 to 1000: a higher one goes first among calls that wait for a server"
              + " (default: the configured one)")
  private @Nullable Integer priority;

  @Option(
      names = "--ceilings",
      split = ",",
      paramLabel = "NAME=VALUE",
      description =
          "what its calls may ask for at most, such as output_tokens=1024,keep_alive=10m; also"
              + " context, min_keep_alive, logprobs, choices, load_options, load_only (default:"
              + " what is configured)")
  private Map<String, String> ceilings = Map.of();

  @Option(
      names = "--budget-usd",
      paramLabel = "USD",
      description = "what it may spend in each window (default: no budget of its own)")
  private @Nullable BigDecimal budgetUsd;

  @Option(
      names = "--budget-window",
      paramLabel = "WINDOW",
      description = "such as 1h, 1d or 1mo (default: for good)")
  private @Nullable String budgetWindow;

  @Option(names = "--json", description = "prints {\"id\",\"key\"} and nothing else")
  private boolean json;

  @Override
  void run(KeyStores keys) {
    Set<Scope> granted = scopes();
    Instant expiry = expiry();
    try {
      printOnce(
          new KeyIssuer(keys.store(), TimeSource.system())
              .issue(name, builder -> options(builder, granted, expiry)),
          json);
    } catch (IllegalArgumentException e) {
      throw new Main.UserError(String.valueOf(e.getMessage()), e);
    }
  }

  private KeyRecord.Builder options(
      KeyRecord.Builder builder, Set<Scope> granted, @Nullable Instant expiry) {
    if (!models.isEmpty()) {
      builder.models(ModelAccess.of(models));
    }
    if (budgetUsd != null) {
      if (budgetWindow != null) {
        BudgetWindow.fixed(budgetWindow); // says what is wrong with it, if anything is
      }
      builder.budget(budgetUsd, budgetWindow);
    }
    builder.limits(limits());
    return builder.owner(owner).team(team).scopes(granted).networks(networks).expiresAt(expiry);
  }

  private LimitSet limits() {
    if (requests == null && burst != null) {
      throw new ParameterException(line(), "--burst goes with --requests");
    }
    if (budgetUsd == null && budgetWindow != null) {
      throw new ParameterException(line(), "--budget-window goes with --budget-usd");
    }
    return new LimitSet(
            rate("--requests", requests, burst == null ? 0 : burst),
            rate("--tokens", tokens, -1),
            concurrency,
            Map.of())
        .with(ceilings())
        .withPriority(priority);
  }

  private CallerCeilings ceilings() {
    Map<String, Object> named = new LinkedHashMap<>();
    ceilings.forEach((name, value) -> named.put(name, value(value)));
    try {
      return CallerCeilings.parse(named);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(line(), "--ceilings: " + e.getMessage(), e);
    }
  }

  /** A number, a boolean or a time; anything else is no ceiling's, and told so by who reads it. */
  private static Object value(String text) {
    if (text.equals("true") || text.equals("false")) {
      return Boolean.valueOf(text);
    }
    if (text.matches("-?[0-9]{1,18}")) {
      return Long.valueOf(text);
    }
    try {
      return Durations.parse(text).toString();
    } catch (IllegalArgumentException e) {
      return text;
    }
  }

  /** A limit; a burst below 0 stands for a whole period's, as tokens are spent in large pieces. */
  private @Nullable RateLimit rate(String option, @Nullable String text, long atOnce) {
    if (text == null) {
      return null;
    }
    int slash = text.indexOf('/');
    try {
      long amount = Long.parseLong(text.substring(0, Math.max(0, slash)));
      Duration per = Durations.parse(text.substring(slash + 1));
      return new RateLimit(amount, per, atOnce < 0 ? amount - 1 : atOnce);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(
          line(), option + " must be an amount and a time, such as 60/1m: " + text, e);
    }
  }

  private Set<Scope> scopes() {
    if (scopes.isEmpty()) {
      return Scope.DEFAULTS;
    }
    Set<Scope> granted = EnumSet.noneOf(Scope.class);
    for (String word : scopes) {
      Scope scope = Scope.of(word.strip());
      if (scope == null) {
        throw new ParameterException(
            line(), "there is no scope " + word + "; there are " + List.of(Scope.values()));
      }
      granted.add(scope);
    }
    return granted;
  }

  private @Nullable Instant expiry() {
    if (expires == null) {
      return null;
    }
    try {
      return Expiry.parse(expires, TimeSource.system().now());
    } catch (IllegalArgumentException e) {
      throw new ParameterException(line(), "--expires: " + e.getMessage(), e);
    }
  }
}
