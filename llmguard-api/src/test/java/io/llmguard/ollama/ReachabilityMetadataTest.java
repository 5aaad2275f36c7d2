package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.openai.OpenAiClient;
import java.io.InputStream;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What GraalVM is told is exactly the public records of the clients. */
class ReachabilityMetadataTest {
  private static final String METADATA =
      "/META-INF/native-image/io.llmguard/llmguard-client/reachability-metadata.json";

  @Test
  void namesEveryPublicRecordAndNothingElse() throws Exception {
    TreeSet<String> named = new TreeSet<>();
    try (InputStream in = OllamaClient.class.getResourceAsStream(METADATA)) {
      for (JsonNode entry : new ObjectMapper().readTree(in).path("reflection")) {
        assertThat(entry.path("allDeclaredConstructors").asBoolean()).isTrue();
        assertThat(entry.path("allDeclaredMethods").asBoolean()).isTrue();
        named.add(entry.path("type").asText());
      }
    }
    TreeSet<String> records = new TreeSet<>();
    collect(OllamaClient.class, records);
    collect(OpenAiClient.class, records);
    assertThat(named).isNotEmpty().isEqualTo(records);
  }

  private static void collect(Class<?> neighbour, Set<String> records) throws Exception {
    Path file = Path.of(neighbour.getResource(neighbour.getSimpleName() + ".class").toURI());
    try (Stream<Path> classes = Files.list(file.getParent())) {
      for (Path path : classes.filter(p -> p.toString().endsWith(".class")).toList()) {
        String name = path.getFileName().toString().replace(".class", "");
        if (name.equals("package-info")) {
          continue;
        }
        Class<?> type =
            Class.forName(
                neighbour.getPackageName() + "." + name, false, neighbour.getClassLoader());
        if (type.isRecord() && !Modifier.isPrivate(type.getModifiers())) {
          records.add(type.getName());
        }
      }
    }
  }
}
