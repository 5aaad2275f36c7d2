package io.llmguard.examples.gateway.command;

import java.util.List;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Help.ColorScheme;
import picocli.CommandLine.Help.Column;
import picocli.CommandLine.Help.TextTable;

/** Tables for a terminal: the last column takes what is left of the line and wraps. */
final class Tables {
  private static final int WIDTH = 100;
  private static final int LEAST_LAST = 12;

  private Tables() {}

  static String of(ColorScheme colors, List<String> head, List<List<String>> rows) {
    int last = head.size() - 1;
    Column[] columns = new Column[head.size()];
    int used = 0;
    for (int i = 0; i < last; i++) {
      int width = head.get(i).length();
      for (List<String> row : rows) {
        width = Math.max(width, row.get(i).length());
      }
      columns[i] = new Column(width + 2, 0, Column.Overflow.TRUNCATE);
      used += width + 2;
    }
    columns[last] = new Column(Math.max(LEAST_LAST, WIDTH - used), 0, Column.Overflow.WRAP);
    TextTable table = TextTable.forColumns(colors, columns);
    table.addRowValues(head.stream().map(h -> bold(colors, h)).toArray(Ansi.Text[]::new));
    for (List<String> row : rows) {
      table.addRowValues(row.toArray(String[]::new));
    }
    return table.toString();
  }

  private static Ansi.Text bold(ColorScheme colors, String text) {
    return colors.apply(text, List.of(Ansi.Style.bold));
  }
}
