package io.llmguard.examples.gateway.command;

import io.llmguard.TimeSource;
import io.llmguard.budget.NanoUsd;
import io.llmguard.budget.SpendGroup;
import io.llmguard.budget.SpendLedgerException;
import io.llmguard.budget.SpendQuery;
import io.llmguard.budget.SpendSum;
import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.Durations;
import io.llmguard.jdbc.JdbcSpendLedger;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** {@code usage}: what was spent. */
@Command(
    name = "usage",
    description = "Tells what was spent: calls, tokens and US dollars.",
    mixinStandardHelpOptions = true)
public final class UsageCommand extends StoreCommand {
  private enum By {
    KEY(SpendGroup.CALLER),
    MODEL(SpendGroup.MODEL),
    DAY(SpendGroup.DAY),
    TEAM(SpendGroup.TEAM),
    USER(SpendGroup.USER),
    UPSTREAM(SpendGroup.UPSTREAM);

    private final SpendGroup group;

    By(SpendGroup group) {
      this.group = group;
    }
  }

  @Option(
      names = "--by",
      paramLabel = "WHAT",
      description = "one of ${COMPLETION-CANDIDATES}, in any case (default: key)")
  private By by = By.KEY;

  @Option(
      names = "--since",
      paramLabel = "TIME",
      description = "such as 7d, 2026-11-23 or 2026-11-23T06:00:00Z (default: ever)")
  private @Nullable String since;

  @Option(names = "--json", description = "prints a JSON array and nothing else")
  private boolean json;

  UsageCommand() {}

  @Override
  void run(KeyStores keys) {
    ZoneId zone = keys.days();
    SpendQuery query = SpendQuery.ALL.since(since == null ? null : start(since, zone));
    List<SpendSum> sums;
    try {
      sums = JdbcSpendLedger.reader(keys.database()).sums(query, by.group);
    } catch (SpendLedgerException e) {
      throw new Main.UserError("what was spent cannot be read from " + keys.place(), e);
    }
    if (json) {
      print(KeyJson.write(sums.stream().map(this::fields).toList()));
    } else if (sums.isEmpty()) {
      print("Nothing was spent yet.");
    } else {
      print(
          Tables.of(
                  line().getColorScheme(),
                  List.of(by.name(), "CALLS", "INPUT", "OUTPUT", "USD", "ESTIMATED"),
                  sums.stream().map(UsageCommand::row).toList())
              .stripTrailing());
    }
  }

  private Instant start(String text, ZoneId zone) {
    try {
      if (text.indexOf('T') > 0) {
        return Instant.parse(text);
      }
      if (text.indexOf('-') > 0) {
        return LocalDate.parse(text).atStartOfDay(zone).toInstant();
      }
      return TimeSource.system().now().minus(Durations.parse(text));
    } catch (DateTimeException | IllegalArgumentException e) {
      throw new ParameterException(
          line(), "--since must be such as 7d, 2026-11-23 or 2026-11-23T06:00:00Z: " + text, e);
    }
  }

  private Map<String, @Nullable Object> fields(SpendSum sum) {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put(by.name().toLowerCase(Locale.ROOT), sum.group());
    if (by == By.KEY) {
      fields.put("name", sum.name());
    }
    fields.put("calls", sum.calls());
    fields.put("inputTokens", sum.inputTokens());
    fields.put("outputTokens", sum.outputTokens());
    fields.put("costUsd", NanoUsd.toUsd(sum.costNanoUsd()));
    fields.put("estimatedCalls", sum.estimatedCalls());
    return fields;
  }

  private static List<String> row(SpendSum sum) {
    String name = sum.name();
    return List.of(
        name == null || name.isEmpty() ? "-" : name,
        Long.toString(sum.calls()),
        Long.toString(sum.inputTokens()),
        Long.toString(sum.outputTokens()),
        NanoUsd.toUsd(sum.costNanoUsd()).toPlainString(),
        Long.toString(sum.estimatedCalls()));
  }
}
