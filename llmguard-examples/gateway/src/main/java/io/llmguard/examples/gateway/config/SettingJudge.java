package io.llmguard.examples.gateway.config;

import io.llmguard.examples.gateway.config.LiteLlmSettings.Row;
import io.llmguard.examples.gateway.config.LiteLlmSettings.Treatment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Warns about, or refuses, what LiteLLM knows and nobody has asked for here. */
final class SettingJudge {
  private static final String ENVIRONMENT = "environment";

  private final LiteLlmSettings table = LiteLlmSettings.load();
  private final List<String> warnings;

  /**
   * A judge.
   *
   * @param warnings where warnings go
   */
  SettingJudge(List<String> warnings) {
    this.warnings = warnings;
  }

  /**
   * Judges what nobody has read of a group of settings.
   *
   * @throws ConfigException if one of them would guard something
   */
  void unread(String section, @Nullable Setting settings) {
    if (settings == null) {
      return;
    }
    for (Setting setting : settings.unread()) {
      if (!setting.saysNothing()) {
        judge(setting, setting.path(), table.find(section, setting.name()));
      }
    }
  }

  /**
   * Judges a value that a setting has, or one of its list.
   *
   * @return true if it does something here
   * @throws ConfigException if it would guard something and does not here
   */
  boolean value(String section, Setting setting, String value) {
    Row row = table.find(section, value);
    if (row != null && row.treatment() == Treatment.DONE) {
      return true;
    }
    judge(setting, setting.path() + ": " + value, row);
    return false;
  }

  /** True if the table has the setting. */
  boolean knows(String section, String name) {
    return table.find(section, name) != null;
  }

  /** Warns about one setting whose value does nothing. */
  void noEffect(Setting setting, String note) {
    warnings.add(setting.place() + ": " + setting.path() + " has no effect: " + note);
  }

  private void judge(Setting setting, String name, @Nullable Row row) {
    if (row == null) {
      warnings.add(setting.place() + ": " + name + " is not known and has no effect");
    } else if (row.treatment() == Treatment.REFUSED) {
      throw setting.error(
          (name.equals(setting.path()) ? "" : row.name() + " ")
              + row.note()
              + "; this version does not: take it out to start without");
    } else {
      warnings.add(setting.place() + ": " + name + " has no effect: " + row.note());
    }
  }

  /**
   * Judges the environment's variables that LiteLLM reads.
   *
   * @param file the configuration file, for messages
   * @param read those that were asked for here
   * @throws ConfigException if one would guard something
   */
  void environment(String file, Function<String, @Nullable String> environment, Set<String> read) {
    List<String> idle = new ArrayList<>();
    for (Row row : table.rows()) {
      boolean judged = row.section().equals(ENVIRONMENT) && row.treatment() != Treatment.DONE;
      if (!judged || read.contains(row.name()) || saysNothing(environment.apply(row.name()))) {
        continue;
      }
      if (row.treatment() == Treatment.REFUSED) {
        throw new ConfigException(
            file
                + ": the environment variable "
                + row.name()
                + " "
                + row.note()
                + "; this version does not: take it out to start without");
      }
      idle.add(row.name());
    }
    if (!idle.isEmpty()) {
      warnings.add(
          file
              + ": these environment variables have no effect: "
              + String.join(", ", idle)
              + "; docs/litellm-settings.md says why");
    }
  }

  private static boolean saysNothing(@Nullable String value) {
    return value == null || value.isBlank() || value.equalsIgnoreCase("false");
  }
}
