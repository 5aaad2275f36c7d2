package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model's wish to have a tool run.
 *
 * @param id the call's id, to be given back with the result; null where the server gives none
 * @param index its place among the calls of one answer, from 0
 * @param name the tool's name
 * @param arguments its arguments, in the order in which the model wrote them
 * @param extra fields that this version does not know, as they came, and sent as they are; those
 *     inside {@code function} are under that name
 */
public record ToolCall(
    @Nullable String id,
    int index,
    String name,
    Map<String, @Nullable Object> arguments,
    Map<String, @Nullable Object> extra) {
  /** Copies the arguments, keeping their order. */
  public ToolCall {
    arguments = Values.map(arguments);
    extra = Values.map(extra);
  }

  /** A call with fields that this version knows. */
  public ToolCall(
      @Nullable String id, int index, String name, Map<String, @Nullable Object> arguments) {
    this(id, index, name, arguments, Map.of());
  }

  /** Without the arguments' values. */
  @Override
  public String toString() {
    return "ToolCall[id=%s, name=%s, arguments=%s]".formatted(id, name, arguments.keySet());
  }
}
