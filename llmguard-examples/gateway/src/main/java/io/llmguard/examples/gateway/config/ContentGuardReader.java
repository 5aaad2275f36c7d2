package io.llmguard.examples.gateway.config;

import io.llmguard.assembly.GuardSettings.ContentGuards;
import io.llmguard.assembly.GuardSettings.FindingMode;
import io.llmguard.assembly.GuardSettings.SensitiveGuard;
import io.llmguard.assembly.GuardSettings.SizeGuard;
import io.llmguard.inspect.SensitiveKind;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads {@code llmguard.content_guards}. */
final class ContentGuardReader {
  private static final long MOST = 1_000_000_000_000L;

  private ContentGuardReader() {}

  static ContentGuards read(@Nullable Setting setting) {
    if (setting == null) {
      return ContentGuards.NONE;
    }
    ContentGuards guards =
        new ContentGuards(
            sensitive(setting.get("secrets")),
            sensitive(setting.get("personal_data")),
            size(setting.get("size")));
    setting.refuseUnknown();
    return guards;
  }

  private static @Nullable SensitiveGuard sensitive(@Nullable Setting setting) {
    if (setting == null) {
      return null;
    }
    Setting prompts = setting.get("prompts");
    Setting responses = setting.get("responses");
    Setting kinds = setting.get("kinds");
    List<SensitiveKind> named = new ArrayList<>();
    if (kinds != null) {
      kinds.list().forEach(kind -> named.add(kind.oneOf(SensitiveKind.class)));
    }
    SensitiveGuard guard =
        new SensitiveGuard(
            prompts == null ? null : prompts.oneOf(FindingMode.class),
            responses == null ? null : responses.oneOf(FindingMode.class),
            named);
    setting.refuseUnknown();
    if (prompts == null && responses == null) {
      throw setting.error("looks at nothing: set prompts, responses or both");
    }
    if (kinds != null && named.isEmpty()) {
      throw kinds.error("names no kind: leave it away to look for all");
    }
    return guard;
  }

  private static @Nullable SizeGuard size(@Nullable Setting setting) {
    if (setting == null) {
      return null;
    }
    Setting shadow = setting.get("shadow");
    SizeGuard guard =
        new SizeGuard(
            shadow != null && shadow.bool(),
            number(setting.get("prompt_characters")),
            number(setting.get("prompt_tokens")),
            number(setting.get("messages")),
            number(setting.get("response_characters")),
            number(setting.get("response_tokens")));
    setting.refuseUnknown();
    if (guard.equals(new SizeGuard(guard.shadow(), null, null, null, null, null))) {
      throw setting.error("sets no limit");
    }
    return guard;
  }

  private static @Nullable Long number(@Nullable Setting setting) {
    return setting == null ? null : setting.number(1, MOST);
  }
}
