package io.llmguard.examples.bootwebflux;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.testkit.UnguardedExample;
import java.nio.file.Path;
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
}
