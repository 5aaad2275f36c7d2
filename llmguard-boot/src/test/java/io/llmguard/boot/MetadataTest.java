package io.llmguard.boot;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.assembly.ApplicationSettings;
import io.llmguard.assembly.ByteSize;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.Secret;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.core.ResolvableType;

/** What IDEs are told about the properties is what there is. */
class MetadataTest {
  private static final String FILE = "/META-INF/spring-configuration-metadata.json";

  /**
   * A property that there is.
   *
   * @param value its default, or null for none
   * @param group whether what it belongs to is there unless set
   */
  private record Known(ResolvableType type, Object value, boolean group) {}

  private static JsonNode metadata() throws IOException {
    // this module's own: other jars have such a file too
    try (InputStream in = LlmGuardAutoConfiguration.class.getResource(FILE).openStream()) {
      JsonNode read = new ObjectMapper().readTree(in);
      assertThat(read.at("/properties/0/name").asText()).startsWith("llmguard.");
      return read;
    }
  }

  private static Map<String, Known> settings() throws ReflectiveOperationException {
    Map<String, Known> known = new TreeMap<>();
    known.put("llmguard.enabled", new Known(ResolvableType.forClass(Boolean.class), false, true));
    collect(GuardSettings.DEFAULTS, "llmguard", true, known);
    collect(new ApplicationSettings(null, null), "llmguard", true, known);
    collect(
        new SpendSettings(List.of(), null, SpendSettings.Spend.DEFAULTS), "llmguard", true, known);
    return known;
  }

  private static void collect(Object group, String prefix, boolean there, Map<String, Known> into)
      throws ReflectiveOperationException {
    for (RecordComponent component : group.getClass().getRecordComponents()) {
      Class<?> type = component.getType();
      String name = prefix + "." + hyphens(component.getName());
      component.getAccessor().setAccessible(true);
      Object value = component.getAccessor().invoke(group);
      if (type.isRecord() && type != Secret.class && type != ByteSize.class) {
        collect(value == null ? unset(type) : value, name, there && value != null, into);
      } else {
        ResolvableType generic = ResolvableType.forType(component.getGenericType());
        into.put(name, new Known(generic, value, there));
      }
    }
  }

  /** A record of which nothing is set. */
  private static Object unset(Class<?> record) throws ReflectiveOperationException {
    Constructor<?> constructor = record.getDeclaredConstructors()[0];
    List<Object> nothing = new ArrayList<>();
    for (Class<?> type : constructor.getParameterTypes()) {
      nothing.add(type == long.class ? (Object) 0L : type == boolean.class ? false : null);
    }
    return constructor.newInstance(nothing.toArray());
  }

  private static String hyphens(String name) {
    return name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }

  private static Map<String, JsonNode> described() throws IOException {
    Map<String, JsonNode> described = new TreeMap<>();
    metadata().get("properties").forEach(p -> described.put(p.get("name").asText(), p));
    return described;
  }

  @Test
  void everyPropertyIsDescribedAndNoOther() throws Exception {
    assertThat(described().keySet()).isEqualTo(settings().keySet());
    assertThat(described().values())
        .allMatch(property -> !property.get("description").asText().isBlank());
  }

  @Test
  void everyTypeIsThere() throws Exception {
    for (JsonNode property : described().values()) {
      String type = property.get("type").asText().replaceAll("<.*", "");
      assertThat(Class.forName(type)).isNotNull();
    }
  }

  @Test
  void everyDefaultIsWhatHoldsWhereNothingIsSet() throws Exception {
    Map<String, Known> settings = settings();
    int compared = 0;
    for (JsonNode property : described().values()) {
      Known known = settings.get(property.get("name").asText());
      JsonNode told = property.get("defaultValue");
      if (told != null) {
        assertThat(bound(told, known.type())).as(property.toString()).isEqualTo(known.value());
        compared++;
      } else if (known.group()) {
        boolean none =
            known.value() == null
                || (known.value() instanceof Collection<?> list && list.isEmpty())
                || (known.value() instanceof Map<?, ?> map && map.isEmpty());
        assertThat(none).as(property.toString()).isTrue();
      }
    }
    assertThat(compared).isGreaterThan(35);
  }

  /** The default as the application's configuration would be read. */
  private static Object bound(JsonNode value, ResolvableType type) {
    String text =
        value.isArray()
            ? Stream.iterate(0, i -> i < value.size(), i -> i + 1)
                .map(i -> value.get(i).asText())
                .collect(Collectors.joining(","))
            : value.asText();
    return new Binder(new MapConfigurationPropertySource(Map.of("x", text)))
        .bind("x", Bindable.of(type))
        .get();
  }

  @Test
  void whatIsOneOfAFewWordsIsHintedAt() throws Exception {
    Map<String, List<String>> hints = new TreeMap<>();
    for (JsonNode hint : metadata().get("hints")) {
      List<String> values = new ArrayList<>();
      hint.get("values").forEach(value -> values.add(value.get("value").asText()));
      hints.put(hint.get("name").asText(), values);
    }
    Map<String, List<String>> expected = new TreeMap<>();
    expected.put("llmguard.key-headers", List.of("x-goog-api-key", "api-key"));
    settings()
        .forEach(
            (name, known) -> {
              Class<?> type = known.type().resolve(Object.class);
              if (type.isEnum()) {
                expected.put(
                    name,
                    Arrays.stream(type.getEnumConstants())
                        .map(word -> ((Enum<?>) word).name())
                        .map(word -> word.toLowerCase(Locale.ROOT).replace('_', '-'))
                        .toList());
              }
            });
    assertThat(hints).containsOnlyKeys(expected.keySet());
    hints.forEach(
        (name, values) ->
            assertThat(values).as(name).containsExactlyInAnyOrderElementsOf(expected.get(name)));
  }
}
