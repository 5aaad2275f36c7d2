package io.llmguard.ollama.internal;

import io.llmguard.ollama.Logprob;
import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.ToolCall;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How much an answer holds that is put together from events, and the bound of it: a stream without
 * an end must not fill the memory of one who only waits for its end. Not thread-safe.
 */
public final class Held {
  /** Characters of text that an answer may have; other values count what they weigh. */
  public static final int MOST = 64 * 1024 * 1024;

  private static final int ENTRY = 32;

  private final int most;
  private long held;

  /** Up to {@link #MOST}. */
  public Held() {
    this(MOST);
  }

  Held(int most) {
    this.most = most;
  }

  /**
   * Takes so many characters more.
   *
   * @throws OllamaException.Malformed beyond the bound
   */
  public void add(long characters) {
    held += characters;
    if (held > most) {
      throw new OllamaException.Malformed(
          "the server sent an answer of more than " + most + " characters", 200, "");
    }
  }

  void addCalls(List<ToolCall> calls) {
    for (ToolCall call : calls) {
      add(weight(call.arguments()) + weight(call.extra()) + ENTRY);
    }
  }

  void addLogprobs(List<Logprob> logprobs) {
    for (Logprob logprob : logprobs) {
      add((long) ENTRY * (2 + 2L * logprob.topLogprobs().size() + logprob.bytes().size()));
    }
  }

  /** Takes values of any kind. */
  public void addValues(Map<String, @Nullable Object> values) {
    add(weight(values));
  }

  private static long weight(@Nullable Object value) {
    long weight = ENTRY;
    if (value instanceof String text) {
      weight += text.length();
    } else if (value instanceof Map<?, ?> map) {
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        weight += weight(entry.getKey()) + weight(entry.getValue());
      }
    } else if (value instanceof List<?> list) {
      for (Object element : list) {
        weight += weight(element);
      }
    }
    return weight;
  }
}
