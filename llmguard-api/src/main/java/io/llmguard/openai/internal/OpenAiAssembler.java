package io.llmguard.openai.internal;

import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.internal.Assembler;
import io.llmguard.openai.OpenAiResponse;
import io.llmguard.openai.OpenAiUsage;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Puts the chunks of an answer together. */
final class OpenAiAssembler implements Assembler<OpenAiResponse, OpenAiResponse> {
  private final StringBuilder text = new StringBuilder();
  private final StringBuilder reasoning = new StringBuilder();
  private String id = "";
  private OpenAiUsage usage = OpenAiUsage.NONE;
  private @Nullable String finishReason;
  private @Nullable OpenAiResponse last;

  @Override
  public boolean add(OpenAiResponse chunk) {
    text.append(chunk.text());
    if (chunk.reasoning() != null) {
      reasoning.append(chunk.reasoning());
    }
    if (!chunk.usage().equals(OpenAiUsage.NONE)) {
      usage = chunk.usage();
    }
    finishReason = chunk.finishReason() == null ? finishReason : chunk.finishReason();
    boolean done = chunk.id().equals(EventDecoder.DONE);
    if (!done) {
      id = chunk.id();
    }
    last = chunk;
    return done;
  }

  @Override
  public OpenAiResponse result() {
    OpenAiResponse end = last;
    if (end == null) {
      throw new IllegalStateException("the answer is not complete");
    }
    return new OpenAiResponse(
        id,
        end.model(),
        text.toString(),
        reasoning.isEmpty() ? null : reasoning.toString(),
        end.toolCalls(),
        finishReason,
        usage);
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
