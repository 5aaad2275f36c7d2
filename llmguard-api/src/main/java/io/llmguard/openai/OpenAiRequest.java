package io.llmguard.openai;

import io.llmguard.ollama.Message;
import io.llmguard.ollama.Tool;
import io.llmguard.ollama.internal.Values;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A chat, or where there are no messages the completion of a prompt.
 *
 * @param model the model
 * @param messages the conversation
 * @param prompt the prompt of a completion, or null
 * @param tools tools that the model may ask for
 * @param parameters everything else by the server's names: {@code max_tokens}, {@code temperature},
 *     {@code response_format}, {@code seed}, {@code stop}
 */
public record OpenAiRequest(
    String model,
    List<Message> messages,
    @Nullable String prompt,
    List<Tool> tools,
    Map<String, @Nullable Object> parameters) {
  /** Copies the lists. */
  public OpenAiRequest {
    messages = List.copyOf(messages);
    tools = List.copyOf(tools);
    parameters = Values.map(parameters);
  }

  /** A chat. */
  public static OpenAiRequest chat(String model, List<Message> messages) {
    return new OpenAiRequest(model, messages, null, List.of(), Map.of());
  }

  /** A completion. */
  public static OpenAiRequest completion(String model, String prompt) {
    return new OpenAiRequest(model, List.of(), prompt, List.of(), Map.of());
  }

  /** With a parameter more. */
  public OpenAiRequest with(String name, @Nullable Object value) {
    Map<String, @Nullable Object> all = new LinkedHashMap<>(parameters);
    all.put(name, value);
    return new OpenAiRequest(model, messages, prompt, tools, all);
  }

  /** With tools. */
  public OpenAiRequest withTools(List<Tool> other) {
    return new OpenAiRequest(model, messages, prompt, other, parameters);
  }

  /** Without any text of the prompt. */
  @Override
  public String toString() {
    return "OpenAiRequest[model=" + model + ", messages=" + messages.size() + "]";
  }
}
