package io.llmguard.callback.internal;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.audit.AuditEvent;
import io.llmguard.wire.Usage;
import org.jspecify.annotations.Nullable;

/** JSON of callbacks, one value a line. */
public final class Events {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private Events() {}

  /** An empty object. */
  public static ObjectNode object() {
    return JSON.createObjectNode();
  }

  /** An empty list. */
  public static ArrayNode array() {
    return JSON.createArrayNode();
  }

  /** Puts a text where there is one. */
  public static void put(ObjectNode into, String name, @Nullable String value) {
    if (value != null) {
      into.put(name, value);
    }
  }

  /** Puts what failed attempts of a call have used, where that is something. */
  public static void retried(ObjectNode into, AuditEvent event) {
    Usage retried = event.retried();
    if (retried != null) {
      into.put("retriedInputTokens", retried.inputTokens());
      into.put("retriedOutputTokens", retried.outputTokens());
    }
  }

  /** The value in one line. */
  public static String line(JsonNode value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a tree can always be written", e);
    }
  }

  /** What a text holds; a missing node where it is no JSON. */
  public static JsonNode read(String text) {
    try {
      return JSON.readTree(text);
    } catch (JsonProcessingException e) {
      return JSON.missingNode();
    }
  }
}
