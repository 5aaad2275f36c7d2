package io.llmguard.ollama.internal;

import io.llmguard.ollama.Logprob;
import io.llmguard.ollama.ToolCall;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the chunks of a generation have brought so far, within what may be held. */
final class AnswerParts {
  private final StringBuilder text = new StringBuilder();
  private final StringBuilder thinking = new StringBuilder();
  private final List<ToolCall> toolCalls = new ArrayList<>();
  private final List<Logprob> logprobs = new ArrayList<>();
  private final Map<String, @Nullable Object> extra = new LinkedHashMap<>();
  private final Held held;

  AnswerParts(Held held) {
    this.held = held;
  }

  /** Adds what a chunk says. */
  void add(String moreText, @Nullable String moreThinking, List<ToolCall> calls) {
    held.add(moreText.length());
    text.append(moreText);
    if (moreThinking != null) {
      held.add(moreThinking.length());
      thinking.append(moreThinking);
    }
    // an empty list still allocates where it is added, and most are
    if (!calls.isEmpty()) {
      held.addCalls(calls);
      toolCalls.addAll(calls);
    }
  }

  /** Adds what a chunk has beside it. */
  void add(List<Logprob> more, Map<String, @Nullable Object> fields) {
    if (!more.isEmpty()) {
      held.addLogprobs(more);
      logprobs.addAll(more);
    }
    keep(fields, extra);
  }

  /** Keeps fields in another place than those of the answer itself. */
  void keep(Map<String, @Nullable Object> fields, Map<String, @Nullable Object> place) {
    if (!fields.isEmpty()) {
      held.addValues(fields);
      place.putAll(fields);
    }
  }

  String text() {
    return text.toString();
  }

  @Nullable String thinking() {
    return thinking.isEmpty() ? null : thinking.toString();
  }

  List<ToolCall> toolCalls() {
    return toolCalls;
  }

  List<Logprob> logprobs() {
    return logprobs;
  }

  Map<String, @Nullable Object> extra() {
    return extra;
  }
}
