package io.llmguard.audit.internal;

import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;

/** The fields that a marker line has beside time and name, in order. */
public final class MarkerFields {
  private final Map<String, Object> values = new LinkedHashMap<>();

  MarkerFields() {}

  /** Adds a number. */
  public MarkerFields put(String name, long value) {
    values.put(name, value);
    return this;
  }

  /** Adds a text. */
  public MarkerFields put(String name, String value) {
    values.put(name, value);
    return this;
  }

  void writeTo(JsonGenerator json) throws IOException {
    for (Map.Entry<String, Object> field : values.entrySet()) {
      if (field.getValue() instanceof Long number) {
        json.writeNumberField(field.getKey(), number);
      } else {
        json.writeStringField(field.getKey(), BoundedText.of((String) field.getValue(), 256));
      }
    }
  }
}
