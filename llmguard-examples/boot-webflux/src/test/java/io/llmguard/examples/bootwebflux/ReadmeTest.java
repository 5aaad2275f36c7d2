package io.llmguard.examples.bootwebflux;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * The lines that the README adds are those that are there, and those that it takes away are not.
 */
class ReadmeTest {
  @Test
  void theReadmeShowsTheLinesThatAreThere() throws Exception {
    String file = "";
    List<String> lines = List.of();
    int compared = 0;
    int at = 0;
    for (String line : Files.readAllLines(Path.of("README.md"))) {
      if (line.startsWith("# src/") || line.equals("# pom.xml")) {
        file = line.substring(2);
        lines = Files.readAllLines(Path.of(file));
        at = 0;
      } else if (line.startsWith("+")) {
        int found = lines.subList(at, lines.size()).indexOf(line.substring(1));
        assertThat(found).as("'%s' in %s", line, file).isNotNegative();
        at += found + 1;
        compared++;
      } else if (line.startsWith("-")) {
        assertThat(lines).as(file).doesNotContain(line.substring(1));
      }
    }
    assertThat(compared).isGreaterThan(9);
  }
}
