package io.llmguard.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import jakarta.servlet.Filter;
import jakarta.servlet.FilterConfig;
import jakarta.servlet.ServletContext;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The parameters in {@code docs/servlet.md} are those that each filter knows. */
class DocumentedParamsTest {
  private static final Pattern WORD = Pattern.compile("`([^`]+)`");
  private static final Set<String> OF_ALL = Set.of("async-dispatch", "body-deadline");

  @TempDir private Path folder = Path.of("");

  static Stream<String> rows() throws Exception {
    return Files.readAllLines(Path.of("../docs/servlet.md")).stream()
        .filter(line -> line.matches("\\| `\\w+Filter` \\|.*"));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void eachRowHasWhatItsFilterKnows(String row) throws Exception {
    List<String> words = WORD.matcher(row).results().map(found -> found.group(1)).toList();
    Filter filter =
        Class.forName("io.llmguard.servlet." + words.get(0))
            .asSubclass(Filter.class)
            .getDeclaredConstructor()
            .newInstance();
    Throwable refused = catchThrowable(() -> filter.init(new Params(enough(words.get(0)))));
    MatchResult known =
        Pattern.compile("init-param nonsense: .*known are \\[(.*)]")
            .matcher(String.valueOf(refused.getMessage()))
            .results()
            .findFirst()
            .orElseThrow(() -> new AssertionError(refused));
    Set<String> names = new TreeSet<>(List.of(known.group(1).split(", ")));
    names.removeAll(OF_ALL);
    Set<String> documented = new TreeSet<>(words.subList(1, words.size()));
    assertThat(documented).isEqualTo(names);
  }

  /** What the filter needs, and something that none knows. */
  private Map<String, String> enough(String filter) {
    Map<String, String> params = new HashMap<>(Map.of("nonsense", "x"));
    switch (filter) {
      case "AuditFilter" -> params.put("file", folder.resolve("a.jsonl").toString());
      case "NetworkFilter" -> params.put("allow", "::1");
      case "ApiKeyFilter", "LlmGuardFilter" -> params.put("master-key-variable", "PATH");
      case "JwtFilter" ->
          params.putAll(Map.of("issuer", "https://i", "audience", "a", "jwks", "https://i/k"));
      case "ClientCertificateFilter" -> params.put("subjects", "CN=a");
      case "ConcurrencyFilter" -> params.put("in-all", "1");
      default -> {
        // needs nothing
      }
    }
    return params;
  }

  private record Params(Map<String, String> values) implements FilterConfig {
    @Override
    public String getFilterName() {
      return "documented";
    }

    @Override
    public ServletContext getServletContext() {
      throw new UnsupportedOperationException("no filter asks");
    }

    @Override
    public String getInitParameter(String name) {
      return values.get(name);
    }

    @Override
    public Enumeration<String> getInitParameterNames() {
      return Collections.enumeration(values.keySet());
    }
  }
}
