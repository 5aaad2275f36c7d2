package io.llmguard.testkit;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion.VersionFlag;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * Langfuse's published schema of {@code POST /api/public/ingestion}; the resource names its source.
 */
public final class LangfuseSchema {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final JsonSchema SCHEMA = load();

  private LangfuseSchema() {}

  private static JsonSchema load() {
    try (InputStream in =
        LangfuseSchema.class.getResourceAsStream("/callback/langfuse-ingestion.schema.json")) {
      return JsonSchemaFactory.getInstance(VersionFlag.V202012)
          .getSchema(
              JSON.readTree(in),
              SchemaValidatorsConfig.builder().formatAssertionsEnabled(true).build());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The body's events. */
  public static List<JsonNode> events(String body) {
    List<String> faults = faults(body);
    if (!faults.isEmpty()) {
      throw new AssertionError(faults + " in " + body);
    }
    List<JsonNode> events = new ArrayList<>();
    read(body).get("batch").forEach(events::add);
    return events;
  }

  /** What is wrong with a body; empty if it is valid. */
  public static List<String> faults(String body) {
    return SCHEMA.validate(read(body)).stream().map(Object::toString).toList();
  }

  private static JsonNode read(String body) {
    try {
      return JSON.readTree(body);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
