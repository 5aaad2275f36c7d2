package io.llmguard.boot;

import io.llmguard.assembly.SettingException;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says in a few lines which setting keeps the guard from starting. */
final class LlmGuardFailureAnalyzer extends AbstractFailureAnalyzer<SettingException> {
  @Override
  protected FailureAnalysis analyze(Throwable rootFailure, SettingException cause) {
    String property = SettingsBinder.PREFIX + "." + cause.setting();
    return new FailureAnalysis(
        "The guard cannot start: " + property + ": " + cause.problem(),
        "Change " + property + " in the application's configuration.",
        cause);
  }
}
