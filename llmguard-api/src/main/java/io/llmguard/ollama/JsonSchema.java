package io.llmguard.ollama;

import io.llmguard.ollama.internal.Json;
import io.llmguard.ollama.internal.Schemas;
import io.llmguard.ollama.internal.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A JSON schema as a value.
 *
 * @param json its keywords: maps, lists, strings, numbers, booleans and null; copied
 */
public record JsonSchema(Map<String, @Nullable Object> json) {
  /** Copies the keywords. */
  public JsonSchema {
    json = Values.map(json);
  }

  /**
   * The schema of a record: its components are properties; all are required but those that are
   * {@link java.util.Optional}; enums become their constants' names; nested records, lists, sets,
   * arrays and maps with string keys are followed. {@link Description} is taken over.
   *
   * @throws IllegalArgumentException naming the component whose type has no schema, or that
   *     contains itself
   */
  public static JsonSchema of(Class<? extends Record> type) {
    return new JsonSchema(Schemas.of(type));
  }

  /**
   * Reads a schema from its text.
   *
   * @throws IllegalArgumentException where the text is no JSON object
   */
  public static JsonSchema parse(String text) {
    return new JsonSchema(Json.object(text));
  }

  /** The schema's text. */
  @Override
  public String toString() {
    return Json.text(json);
  }
}
