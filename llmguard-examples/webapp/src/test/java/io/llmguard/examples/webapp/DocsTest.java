package io.llmguard.examples.webapp;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the documentation shows is what is compiled, deployed and tested. */
class DocsTest {
  private static final Path ROOT = Path.of("../..");

  private static List<String> snippets(String document, String language) throws IOException {
    return Pattern.compile("```" + language + "\\n(.*?)```", Pattern.DOTALL)
        .matcher(Files.readString(ROOT.resolve("docs").resolve(document)))
        .results()
        .map(found -> withoutLayout(found.group(1)))
        .toList();
  }

  /** The text without what only indents it. */
  private static String withoutLayout(String text) {
    return text.strip().replaceAll("\\s+", " ");
  }

  @Test
  void theDescriptorsSnippetsAreInTheDeployedDescriptor() throws Exception {
    String descriptor = withoutLayout(Files.readString(Path.of("src/main/webapp/WEB-INF/web.xml")));
    List<String> filtersAndServlets =
        snippets("servlet.md", "xml").stream().filter(s -> !s.startsWith("<dependency>")).toList();
    assertThat(filtersAndServlets)
        .hasSize(3)
        .allSatisfy(snippet -> assertThat(descriptor).contains(snippet));
  }

  @Test
  void theCodesSnippetsAreInTheCompiledCode() throws Exception {
    String code =
        withoutLayout(
            Files.readString(
                Path.of("src/main/java/io/llmguard/examples/webapp/GuardsInCode.java")));
    assertThat(snippets("servlet.md", "java"))
        .hasSize(2)
        .allSatisfy(snippet -> assertThat(code).contains(snippet));
  }

  @Test
  void everyRowAboutContainersNamesATestThatThereIs() throws Exception {
    List<String> rows =
        Files.readAllLines(ROOT.resolve("docs/containers.md")).stream()
            .filter(line -> line.startsWith("| ") && !line.startsWith("| container"))
            .filter(line -> !line.startsWith("| ---"))
            .toList();
    assertThat(rows).hasSizeGreaterThan(10);
    Pattern named = Pattern.compile("`(\\w+(?:Test|Contract))\\.(\\w+)`");
    for (String row : rows) {
      List<String[]> tests =
          named
              .matcher(row)
              .results()
              .map(found -> new String[] {found.group(1), found.group(2)})
              .toList();
      assertThat(tests).as(row).isNotEmpty();
      for (String[] test : tests) {
        assertThat(Files.readString(source(test[0]))).as(row).contains("void " + test[1] + "(");
      }
    }
  }

  private static Path source(String type) throws IOException {
    try (Stream<Path> files =
        Files.find(
            ROOT,
            15,
            (path, attributes) ->
                path.endsWith(type + ".java") && path.toString().contains("/src/test/"))) {
      return files.findFirst().orElseThrow(() -> new AssertionError("there is no " + type));
    }
  }
}
