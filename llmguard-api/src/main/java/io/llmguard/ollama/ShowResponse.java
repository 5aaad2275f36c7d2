package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /api/show}.
 *
 * @param license the licence
 * @param modelfile the model file
 * @param parameters its options, one a line
 * @param template the prompt template
 * @param system the system text
 * @param renderer the renderer of prompts
 * @param parser the parser of answers
 * @param details what it is made of
 * @param messages messages before every chat
 * @param remoteModel its name where it really runs, or null
 * @param remoteHost where it really runs, or null
 * @param modelInfo the file's metadata
 * @param projectorInfo the projector's metadata
 * @param tensors its tensors
 * @param capabilities what it can do
 * @param modifiedAt when it came
 * @param requires the least version of Ollama
 * @param extra fields that this version does not know, as they came
 */
public record ShowResponse(
    @Nullable String license,
    @Nullable String modelfile,
    @Nullable String parameters,
    @Nullable String template,
    @Nullable String system,
    @Nullable String renderer,
    @Nullable String parser,
    ModelDetails details,
    List<Message> messages,
    @Nullable String remoteModel,
    @Nullable String remoteHost,
    Map<String, @Nullable Object> modelInfo,
    Map<String, @Nullable Object> projectorInfo,
    List<Tensor> tensors,
    List<String> capabilities,
    @Nullable Instant modifiedAt,
    @Nullable String requires,
    Map<String, @Nullable Object> extra) {
  /** Copies the lists. */
  public ShowResponse {
    messages = List.copyOf(messages);
    modelInfo = Values.map(modelInfo);
    projectorInfo = Values.map(projectorInfo);
    tensors = List.copyOf(tensors);
    capabilities = List.copyOf(capabilities);
    extra = Values.map(extra);
  }

  /** The names of what is there, not the texts. */
  @Override
  public String toString() {
    return "ShowResponse[details=" + details + ", capabilities=" + capabilities + "]";
  }
}
