package io.llmguard.assembly;

import io.llmguard.assembly.GuardSettings.FindingMode;
import io.llmguard.assembly.GuardSettings.SensitiveGuard;
import io.llmguard.assembly.GuardSettings.SizeGuard;
import io.llmguard.inspect.InspectionStage;
import io.llmguard.inspect.Reaction;
import io.llmguard.inspect.SensitiveData;
import io.llmguard.inspect.SensitiveKind;
import io.llmguard.inspect.SizeCeilings;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** Makes the built-in content guards from settings. */
final class Inspections {
  private Inspections() {}

  /** Adds them: sizes first, because they are the cheapest to judge. */
  static void add(GuardSettings.ContentGuards settings, InspectionStage.Builder stage) {
    if (settings.size() != null) {
      size(settings.size(), stage);
    }
    if (settings.secrets() != null) {
      sensitive("secrets", settings.secrets(), SensitiveKind.secrets(), stage);
    }
    if (settings.personalData() != null) {
      sensitive("personal-data", settings.personalData(), SensitiveKind.personalData(), stage);
    }
  }

  private static void size(SizeGuard settings, InspectionStage.Builder stage) {
    SizeCeilings.Builder builder = SizeCeilings.builder();
    set("prompt-characters", settings.promptCharacters(), builder::promptCharacters);
    set("prompt-tokens", settings.promptTokens(), builder::promptTokens);
    set("messages", settings.messages(), builder::messages);
    set("response-characters", settings.responseCharacters(), builder::answerCharacters);
    set("response-tokens", settings.responseTokens(), builder::answerTokens);
    SizeCeilings ceilings = builder.build();
    if (ceilings.limitsPrompts()) {
      stage.prompts(ceilings, settings.shadow());
    }
    if (ceilings.limitsAnswers()) {
      stage.answers(ceilings, settings.shadow());
    }
    if (!ceilings.limitsPrompts() && !ceilings.limitsAnswers()) {
      throw new SettingException("content-guards.size", "sets no limit");
    }
  }

  private static void set(String name, @Nullable Long value, LongConsumer setter) {
    if (value == null) {
      return;
    }
    if (value < 1) {
      throw new SettingException("content-guards.size." + name, "must be at least 1");
    }
    setter.accept(value);
  }

  private static void sensitive(
      String name, SensitiveGuard settings, Set<SensitiveKind> all, InspectionStage.Builder stage) {
    FindingMode prompts = settings.prompts();
    FindingMode responses = settings.responses();
    if (prompts == null && responses == null) {
      throw new SettingException(
          "content-guards." + name, "looks at nothing: set prompts, responses or both");
    }
    Set<SensitiveKind> kinds = settings.kinds().isEmpty() ? all : EnumSet.copyOf(settings.kinds());
    if (prompts != null) {
      stage.prompts(inspector(name, kinds, prompts), prompts == FindingMode.SHADOW);
    }
    if (responses != null) {
      stage.answers(inspector(name, kinds, responses), responses == FindingMode.SHADOW);
    }
  }

  private static SensitiveData inspector(String name, Set<SensitiveKind> kinds, FindingMode mode) {
    // in shadow mode each finding counts, as if all were replaced
    Reaction reaction = mode == FindingMode.REFUSE ? Reaction.REFUSE : Reaction.REDACT;
    return SensitiveData.of(name, kinds, reaction);
  }
}
