package io.llmguard.examples.bootmvc;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.UnguardedExample;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README shows all the lines that guard the application, and no other. */
class ReadmeTest {
  @Test
  void theReadmeShowsExactlyTheLinesThatWereChanged() throws Exception {
    assertThat(UnguardedExample.shown(Path.of("README.md"))).isEqualTo(UnguardedExample.changes());
  }

  @Test
  void theApplicationWasOneBefore(@TempDir Path folder) throws Exception {
    assertThat(UnguardedExample.compile(folder)).isEmpty();
    assertThat(folder).isDirectoryRecursivelyContaining("glob:**/AskController.class");
  }

  @Test
  void theProjectsReadmeShowsTheSameLines() throws Exception {
    Map<String, List<String>> changes = UnguardedExample.changes();
    String project = Files.readString(Path.of("../../README.md"));
    assertThat(project)
        .contains("```xml\n" + added(changes.get("pom.xml")) + "```")
        .contains(
            "```properties\n"
                + added(changes.get("src/main/resources/application.properties"))
                + "```");
  }

  private static String added(List<String> changes) {
    return changes.stream().map(line -> line.substring(1) + "\n").collect(Collectors.joining());
  }
}
