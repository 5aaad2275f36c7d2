package io.llmguard.openai.internal;

import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.internal.Assembler;
import io.llmguard.ollama.internal.Held;
import io.llmguard.openai.OpenAiResponse;
import io.llmguard.openai.OpenAiUsage;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Puts the chunks of an answer together. */
final class OpenAiAssembler implements Assembler<OpenAiResponse, OpenAiResponse> {
  private final StringBuilder text = new StringBuilder();
  private final StringBuilder reasoning = new StringBuilder();
  private final Map<String, @Nullable Object> extra = new LinkedHashMap<>();
  private final Held held = new Held();
  private OpenAiUsage usage = OpenAiUsage.NONE;
  private @Nullable String finishReason;
  private @Nullable OpenAiResponse last;

  @Override
  public boolean add(OpenAiResponse chunk) {
    held.add(chunk.text().length());
    text.append(chunk.text());
    if (chunk.reasoning() != null) {
      held.add(chunk.reasoning().length());
      reasoning.append(chunk.reasoning());
    }
    if (!chunk.usage().equals(OpenAiUsage.NONE)) {
      usage = chunk.usage();
    }
    finishReason = chunk.finishReason() == null ? finishReason : chunk.finishReason();
    held.addValues(chunk.extra());
    extra.putAll(chunk.extra());
    last = chunk;
    return chunk.done();
  }

  @Override
  public OpenAiResponse result() {
    OpenAiResponse end = last;
    if (end == null || !end.done()) {
      throw new IllegalStateException("the answer is not complete");
    }
    return new OpenAiResponse(
        end.id(),
        end.model(),
        text.toString(),
        reasoning.isEmpty() ? null : reasoning.toString(),
        end.toolCalls(),
        finishReason,
        true,
        usage,
        extra);
  }

  @Override
  public String text() {
    return text.toString();
  }

  @Override
  public Metrics metrics() {
    Duration unknown = Duration.ZERO;
    return new Metrics(
        unknown, unknown, usage.promptTokens(), unknown, usage.completionTokens(), unknown);
  }

  @Override
  public @Nullable String model() {
    return last == null ? null : last.model();
  }

  @Override
  public @Nullable String finishReason() {
    return finishReason;
  }
}
