package io.llmguard.servlet.boot;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.assembly.ApplicationSettings;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.Secret;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.RecordComponent;
import java.net.URL;
import java.util.Collections;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What IDEs are told about the properties is what there is. */
@Tag("boot")
class MetadataTest {
  private static final String FILE = "META-INF/spring-configuration-metadata.json";

  private static JsonNode metadata() throws IOException {
    // other jars have such a file too
    for (URL url : Collections.list(MetadataTest.class.getClassLoader().getResources(FILE))) {
      try (InputStream in = url.openStream()) {
        JsonNode read = new ObjectMapper().readTree(in);
        if (read.at("/properties/0/name").asText().startsWith("llmguard.")) {
          return read;
        }
      }
    }
    throw new AssertionError("no metadata of llmguard on the class path");
  }

  private static void collect(Class<?> record, String prefix, Set<String> into) {
    for (RecordComponent component : record.getRecordComponents()) {
      Class<?> type = component.getType();
      String name =
          prefix
              + "."
              + component.getName().replaceAll("([A-Z])", "-$1").toLowerCase(java.util.Locale.ROOT);
      boolean group =
          type.isRecord() && type != Secret.class && type != io.llmguard.assembly.ByteSize.class;
      if (group) {
        collect(type, name, into);
      } else {
        into.add(name);
      }
    }
  }

  @Test
  void everyPropertyIsDescribedAndNoOther() throws Exception {
    Set<String> settings = new TreeSet<>(Set.of("llmguard.enabled"));
    collect(GuardSettings.class, "llmguard", settings);
    collect(ApplicationSettings.class, "llmguard", settings);
    Set<String> described = new TreeSet<>();
    for (JsonNode property : metadata().get("properties")) {
      described.add(property.get("name").asText());
      assertThat(property.get("description").asText()).isNotBlank();
    }
    assertThat(described).isEqualTo(settings);
  }

  @Test
  void everyTypeIsThere() throws Exception {
    for (JsonNode property : metadata().get("properties")) {
      String type = property.get("type").asText().replaceAll("<.*", "");
      assertThat(Class.forName(type)).isNotNull();
    }
  }

  @Test
  void theDefaultsAreThose() throws Exception {
    for (JsonNode property : metadata().get("properties")) {
      switch (property.get("name").asText()) {
        case "llmguard.rate-limits.per-key.requests" ->
            assertThat(property.get("defaultValue").asLong())
                .isEqualTo(GuardSettings.DEFAULTS.rateLimits().perKey().requests());
        case "llmguard.rate-limits.per-ip.burst" ->
            assertThat(property.get("defaultValue").asLong())
                .isEqualTo(GuardSettings.DEFAULTS.rateLimits().perIp().burst());
        case "llmguard.web.order" ->
            assertThat(property.get("defaultValue").asInt())
                .isEqualTo(ApplicationSettings.Web.DEFAULTS.order());
        default -> assertThat(property.get("name").asText()).startsWith("llmguard.");
      }
    }
  }
}
