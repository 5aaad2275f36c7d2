package io.llmguard.ollama;

/** What form the model's text must have. */
public sealed interface Format {
  /** Some JSON object. */
  record Json() implements Format {}

  /** JSON that fits a schema. */
  record Schema(JsonSchema schema) implements Format {}

  /** Some JSON object. */
  static Format json() {
    return new Json();
  }

  /** JSON that fits this schema. */
  static Format schema(JsonSchema schema) {
    return new Schema(schema);
  }
}
