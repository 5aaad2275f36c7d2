package io.llmguard.ollama;

import io.llmguard.ollama.internal.Schemas;
import java.lang.reflect.Method;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A tool that the model may ask for: its name, what it does, what it takes.
 *
 * @param name the name, as the model calls it
 * @param description what it does; may be empty
 * @param parameters the schema of its arguments, an object
 */
public record Tool(String name, String description, JsonSchema parameters) {
  /** A tool whose arguments are a record's components. */
  public static Tool of(String name, String description, Class<? extends Record> arguments) {
    return new Tool(name, description, JsonSchema.of(arguments));
  }

  /**
   * A tool from a method: its parameters are the arguments (compile with {@code -parameters}, or
   * they are named {@code arg0}, {@code arg1}), its {@link Description} tells what it does.
   *
   * @throws IllegalArgumentException naming the parameter whose type has no schema
   */
  public static Tool of(Method method) {
    Description description = method.getAnnotation(Description.class);
    return new Tool(
        method.getName(),
        description == null ? "" : description.value(),
        new JsonSchema(Schemas.of(method)));
  }

  /** The tool as Ollama and OpenAI take it, as a JSON object. */
  public Map<String, @Nullable Object> json() {
    return Schemas.tool(name, description, parameters.json());
  }
}
