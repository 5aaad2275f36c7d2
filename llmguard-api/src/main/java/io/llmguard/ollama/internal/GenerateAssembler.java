package io.llmguard.ollama.internal;

import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.Logprob;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.ToolCall;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Puts the chunks of a generation together. */
final class GenerateAssembler implements Assembler<GenerateResponse, GenerateResponse> {
  private final StringBuilder response = new StringBuilder();
  private final StringBuilder thinking = new StringBuilder();
  private final List<ToolCall> toolCalls = new ArrayList<>();
  private final List<Logprob> logprobs = new ArrayList<>();
  private final Map<String, @Nullable Object> extra = new LinkedHashMap<>();
  private final Held held;
  private @Nullable GenerateResponse last;

  GenerateAssembler() {
    this(new Held());
  }

  GenerateAssembler(Held held) {
    this.held = held;
  }

  @Override
  public boolean add(GenerateResponse chunk) {
    held.add(chunk.response().length());
    response.append(chunk.response());
    if (chunk.thinking() != null) {
      held.add(chunk.thinking().length());
      thinking.append(chunk.thinking());
    }
    // an empty list still allocates where it is added, and most are
    if (!chunk.toolCalls().isEmpty()) {
      held.addCalls(chunk.toolCalls());
      toolCalls.addAll(chunk.toolCalls());
    }
    if (!chunk.logprobs().isEmpty()) {
      held.addLogprobs(chunk.logprobs());
      logprobs.addAll(chunk.logprobs());
    }
    if (!chunk.extra().isEmpty()) {
      held.addValues(chunk.extra());
      extra.putAll(chunk.extra());
    }
    last = chunk;
    return chunk.done();
  }

  @Override
  public GenerateResponse result() {
    GenerateResponse end = last;
    if (end == null || !end.done()) {
      throw new IllegalStateException("the answer is not complete");
    }
    return new GenerateResponse(
        end.model(),
        end.createdAt(),
        response.toString(),
        thinking.isEmpty() ? null : thinking.toString(),
        true,
        end.doneReason(),
        toolCalls,
        end.context(),
        end.remoteModel(),
        end.remoteHost(),
        end.metrics(),
        logprobs,
        extra);
  }

  @Override
  public String text() {
    return response.toString();
  }

  @Override
  public Metrics metrics() {
    return last == null ? Metrics.NONE : last.metrics();
  }

  @Override
  public @Nullable String model() {
    return last == null ? null : last.model();
  }

  @Override
  public @Nullable String finishReason() {
    return last == null ? null : last.doneReason();
  }
}
