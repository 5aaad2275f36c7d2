package io.llmguard.examples.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringWriter;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the project's README shows in Java compiles as it stands there. */
class ReadmeTest {
  private static final Pattern BLOCK = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void whatIsShownCompiles(@TempDir Path folder) throws Exception {
    List<String> blocks =
        BLOCK
            .matcher(Files.readString(Path.of("../../README.md")))
            .results()
            .map((MatchResult found) -> found.group(1))
            .toList();
    assertThat(blocks).isNotEmpty();
    for (String block : blocks) {
      assertThat(compile(block, folder)).isEmpty();
    }
  }

  @Test
  void whatDoesNotCompileIsFound(@TempDir Path folder) throws Exception {
    assertThat(compile("OllamaClient.ask(\"nothing\");", folder)).contains("ask");
  }

  /** What the compiler has to say of these statements. */
  private static String compile(String statements, Path folder) throws Exception {
    String source =
        """
        import io.llmguard.ollama.*;
        class Shown {
          void run(String url, String key) throws Exception {
        %s
          }
        }
        """
            .formatted(statements);
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    StringWriter said = new StringWriter();
    JavaFileObject file =
        new SimpleJavaFileObject(URI.create("memory:///Shown.java"), JavaFileObject.Kind.SOURCE) {
          @Override
          public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return source;
          }
        };
    List<String> options =
        List.of(
            "-proc:none",
            "-d",
            folder.toString(),
            "-classpath",
            System.getProperty("java.class.path"));
    boolean compiled = compiler.getTask(said, null, null, options, null, List.of(file)).call();
    return compiled ? "" : said.toString();
  }
}
