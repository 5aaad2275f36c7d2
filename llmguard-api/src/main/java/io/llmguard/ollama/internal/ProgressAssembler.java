package io.llmguard.ollama.internal;

import io.llmguard.ollama.Progress;
import org.jspecify.annotations.Nullable;

/** Waits for {@code success}. */
final class ProgressAssembler implements Assembler<Progress, Progress.Success> {
  private Progress.@Nullable Success end;

  @Override
  public boolean add(Progress event) {
    if (event instanceof Progress.Success success) {
      end = success;
    }
    return end != null;
  }

  @Override
  public Progress.Success result() {
    if (end == null) {
      throw new IllegalStateException("the answer is not complete");
    }
    return end;
  }
}
