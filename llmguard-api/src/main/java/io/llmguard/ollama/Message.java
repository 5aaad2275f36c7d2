package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One message of a chat, or the piece of one that a stream's chunk brings.
 *
 * @param role {@code system}, {@code user}, {@code assistant} or {@code tool}
 * @param content the text; empty where there is none
 * @param thinking the text of the model's thinking, or null
 * @param images pictures
 * @param toolCalls the tools that the assistant wants to have run
 * @param toolName with role {@code tool}: which tool's result this is
 * @param toolCallId with role {@code tool}: which call's result this is
 * @param extra fields that this version does not know, as they came
 */
public record Message(
    String role,
    String content,
    @Nullable String thinking,
    List<Image> images,
    List<ToolCall> toolCalls,
    @Nullable String toolName,
    @Nullable String toolCallId,
    Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public Message {
    images = List.copyOf(images);
    toolCalls = List.copyOf(toolCalls);
    extra = Values.map(extra);
  }

  private static Message text(String role, String content) {
    return new Message(role, content, null, List.of(), List.of(), null, null, Map.of());
  }

  /** What the model is to be. */
  public static Message system(String content) {
    return text("system", content);
  }

  /** What the user says. */
  public static Message user(String content) {
    return text("user", content);
  }

  /** What the user says and shows. */
  public static Message user(String content, List<Image> images) {
    return new Message("user", content, null, images, List.of(), null, null, Map.of());
  }

  /** What the model said. */
  public static Message assistant(String content) {
    return text("assistant", content);
  }

  /** What a tool answered. */
  public static Message tool(ToolCall call, String result) {
    return new Message(
        "tool", result, null, List.of(), List.of(), call.name(), call.id(), Map.of());
  }

  /** The role and sizes, never the text. */
  @Override
  public String toString() {
    return "Message[role=%s, content=%d chars, images=%d, toolCalls=%d]"
        .formatted(role, content.length(), images.size(), toolCalls.size());
  }
}
