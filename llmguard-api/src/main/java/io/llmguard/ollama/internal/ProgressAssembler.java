package io.llmguard.ollama.internal;

import io.llmguard.ollama.Progress;

/** Waits for {@code success}. */
final class ProgressAssembler implements Assembler<Progress, Progress.Success> {
  @Override
  public boolean add(Progress event) {
    return event instanceof Progress.Success;
  }

  @Override
  public Progress.Success result() {
    return new Progress.Success("success");
  }
}
