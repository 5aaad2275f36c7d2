package io.llmguard.testkit;

import java.util.ArrayList;
import java.util.List;

/** What makes one text of another, line by line. */
public final class LineDiff {
  private LineDiff() {}

  /**
   * The fewest lines that are taken away and added, each behind {@code -} or {@code +}, in their
   * order; what stays is left out.
   */
  public static List<String> of(List<String> before, List<String> after) {
    int[][] common = new int[before.size() + 1][after.size() + 1];
    for (int i = before.size() - 1; i >= 0; i--) {
      for (int j = after.size() - 1; j >= 0; j--) {
        common[i][j] =
            before.get(i).equals(after.get(j))
                ? common[i + 1][j + 1] + 1
                : Math.max(common[i + 1][j], common[i][j + 1]);
      }
    }
    List<String> diff = new ArrayList<>();
    String kept = "";
    int changed = 0;
    int i = 0;
    int j = 0;
    while (i < before.size() || j < after.size()) {
      if (i < before.size() && j < after.size() && before.get(i).equals(after.get(j))) {
        showWhole(diff.subList(changed, diff.size()), kept);
        changed = diff.size();
        kept = before.get(i);
        i++;
        j++;
      } else if (i < before.size() && common[i + 1][j] == common[i][j]) {
        diff.add("-" + before.get(i++));
      } else {
        diff.add("+" + after.get(j++));
      }
    }
    return diff;
  }

  /**
   * Where lines were added that end as what stands before them ends, as one element among its like,
   * either may count as added: the element is shown, not its end and the beginning of the next.
   */
  private static void showWhole(List<String> added, String before) {
    int last = added.size() - 1;
    boolean alike = last > 0 && added.get(last).equals("+" + before);
    if (alike && added.stream().noneMatch(line -> line.startsWith("-"))) {
      String stripped = before.strip();
      if (!stripped.startsWith("</") && !stripped.startsWith("}")) {
        added.add(0, added.remove(last));
      }
    }
  }
}
