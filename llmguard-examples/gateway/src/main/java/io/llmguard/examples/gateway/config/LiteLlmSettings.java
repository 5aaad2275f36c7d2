package io.llmguard.examples.gateway.config;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What becomes of each setting of LiteLLM's file; the table is a resource of this program. */
final class LiteLlmSettings {
  private static final String TABLE = "/litellm-settings.tsv";

  /** What becomes of a setting. */
  enum Treatment {
    /** It does here what it does there. */
    DONE,
    /** It has no effect and guards nothing. */
    WARNED,
    /** It would guard something and does not here. */
    REFUSED
  }

  /**
   * A row of the table.
   *
   * @param section where the setting stands
   * @param name its name
   * @param treatment what becomes of it
   * @param note what it does, or why it does nothing and what to set instead
   */
  record Row(String section, String name, Treatment treatment, String note) {}

  private final List<Row> rows;

  private LiteLlmSettings(List<Row> rows) {
    this.rows = List.copyOf(rows);
  }

  /** The table; a line of it may name several settings that are treated alike. */
  static LiteLlmSettings load() {
    List<Row> rows = new ArrayList<>();
    try (InputStream in = LiteLlmSettings.class.getResourceAsStream(TABLE)) {
      if (in == null) {
        throw new IllegalStateException("the table of settings is not in the program");
      }
      BufferedReader lines = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8));
      String line = lines.readLine(); // the head
      while (line != null && (line = lines.readLine()) != null) {
        String[] cells = line.split("\t", -1);
        Treatment treatment = Treatment.valueOf(cells[2].toUpperCase(Locale.ROOT));
        for (String name : cells[1].split(" ", -1)) {
          rows.add(new Row(cells[0], name, treatment, cells[3]));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new LiteLlmSettings(rows);
  }

  /** The rows, in order. */
  List<Row> rows() {
    return rows;
  }

  /** The row of a setting, or null where the table has none. */
  @Nullable Row find(String section, String name) {
    for (Row row : rows) {
      if (row.section.equals(section) && row.name.equals(name)) {
        return row;
      }
    }
    return null;
  }
}
