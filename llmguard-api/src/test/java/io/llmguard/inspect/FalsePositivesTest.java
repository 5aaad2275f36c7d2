package io.llmguard.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The counts that docs/content-guards.md publishes are those of this run. */
class FalsePositivesTest {
  private static List<String> rows() {
    Set<SensitiveKind> kinds = EnumSet.copyOf(SensitiveKind.secrets());
    kinds.addAll(SensitiveKind.personalData());
    SensitiveData data = SensitiveData.of("test", kinds, Reaction.REDACT);
    List<String> rows = new ArrayList<>();
    int texts = 0;
    int wrong = 0;
    for (Map.Entry<String, List<String>> sort : HarmlessTexts.all().entrySet()) {
      Map<String, Integer> found = new TreeMap<>();
      int flagged = 0;
      for (String text : sort.getValue()) {
        List<SensitiveData.Finding> findings = data.find(text);
        flagged += findings.isEmpty() ? 0 : 1;
        findings.forEach(finding -> found.merge(finding.kind().word(), 1, Integer::sum));
      }
      String what =
          found.entrySet().stream()
              .map(each -> each.getKey() + " " + each.getValue())
              .collect(Collectors.joining(", "));
      rows.add(row(sort.getKey(), sort.getValue().size(), flagged, what));
      texts += sort.getValue().size();
      wrong += flagged;
    }
    rows.add(row("all", texts, wrong, ""));
    return rows;
  }

  private static String row(String sort, int texts, int flagged, String what) {
    return String.format(
        Locale.ROOT, "| %s | %,d | %d | %s |", sort, texts, flagged, what.isEmpty() ? "–" : what);
  }

  @Test
  void theDocumentSaysWhatIsFoundInHarmlessTexts() throws Exception {
    String document = Files.readString(Path.of("../docs/content-guards.md"));
    List<String> rows = rows();
    assertThat(document)
        .as("the table of docs/content-guards.md must be:%n%s", String.join("\n", rows))
        .contains(String.join("\n", rows) + "\n");
  }

  @Test
  void theDocumentSaysHowManySamplesAreFound() throws Exception {
    String document = Files.readString(Path.of("../docs/content-guards.md"));
    assertThat(document)
        .contains("all " + SensitiveTexts.all().size() + " samples of sensitive texts");
  }

  @Test
  void thereAreAsManySecretsInHarmlessTextsAsAreDocumented() {
    SensitiveData secrets = SensitiveData.of("test", SensitiveKind.secrets(), Reaction.REDACT);
    long flagged =
        HarmlessTexts.all().values().stream()
            .flatMap(List::stream)
            .filter(text -> !secrets.find(text).isEmpty())
            .count();
    assertThat(flagged).isZero();
  }
}
