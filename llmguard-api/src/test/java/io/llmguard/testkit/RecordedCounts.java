package io.llmguard.testkit;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The token counts that a recorded answer itself states, found without llmguard's own reading.
 *
 * @param input tokens of the prompt
 * @param output tokens that were generated
 * @param cached tokens of the prompt that came from a cache, 0 where nothing is said of that
 */
public record RecordedCounts(long input, long output, long cached) {
  /** What this answer states, or null where it states nothing. */
  public static @Nullable RecordedCounts of(Recording recording) {
    String text = recording.responseText();
    if (text.contains("\"eval_count\"")) {
      return new RecordedCounts(last(text, "prompt_eval_count"), last(text, "eval_count"), 0);
    }
    if (text.contains("\"completion_tokens\"")) {
      return new RecordedCounts(
          last(text, "prompt_tokens"),
          last(text, "completion_tokens"),
          last(text, "cached_tokens"));
    }
    if (text.contains("\"output_tokens\"")) {
      return new RecordedCounts(
          last(text, "input_tokens"), last(text, "output_tokens"), last(text, "cached_tokens"));
    }
    return null;
  }

  private static long last(String text, String field) {
    Matcher matcher = Pattern.compile("\"" + field + "\":\\s*(\\d+)").matcher(text);
    long value = 0;
    while (matcher.find()) {
      value = Long.parseLong(matcher.group(1));
    }
    return value;
  }
}
