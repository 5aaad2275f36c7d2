package io.llmguard.ollama.internal;

import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.Metrics;
import org.jspecify.annotations.Nullable;

/** Puts the chunks of a generation together. */
final class GenerateAssembler implements Assembler<GenerateResponse, GenerateResponse> {
  private final AnswerParts parts;
  private @Nullable GenerateResponse last;

  GenerateAssembler() {
    this(new Held());
  }

  GenerateAssembler(Held held) {
    this.parts = new AnswerParts(held);
  }

  @Override
  public boolean add(GenerateResponse chunk) {
    parts.add(chunk.response(), chunk.thinking(), chunk.toolCalls());
    parts.add(chunk.logprobs(), chunk.extra());
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
        parts.text(),
        parts.thinking(),
        true,
        end.doneReason(),
        parts.toolCalls(),
        end.context(),
        end.remoteModel(),
        end.remoteHost(),
        end.metrics(),
        parts.logprobs(),
        parts.extra());
  }

  @Override
  public String text() {
    return parts.text();
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
