package io.llmguard.wire;

import static io.llmguard.wire.JsonShape.node;
import static io.llmguard.wire.JsonShape.slot;
import static io.llmguard.wire.JsonShape.word;

import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Where the answers of each API say what was used, that they end, and that they failed. */
enum AnswerShape {
  /** Ollama's native answers, and its progress lines. */
  OLLAMA {
    @Override
    JsonShape shape() {
      JsonShape output = slot(OUTPUT);
      return node()
          .with("done", slot(DONE))
          .with("done_reason", word(REASON, "load", "unload"))
          .with("status", word(TYPE, "success"))
          .with("error", slot(ERROR))
          .with("prompt_eval_count", slot(INPUT_TOKENS))
          .with("eval_count", slot(OUTPUT_TOKENS))
          .with("response", output)
          .with("thinking", output)
          .with(
              "message",
              node()
                  .with("content", output)
                  .with("thinking", output)
                  .with("tool_calls", node().each(output)));
    }

    @Override
    boolean ends(JsonScanner json) {
      return json.value(DONE) == 1 || json.value(TYPE) == 0;
    }

    @Override
    @Nullable Usage usage(JsonScanner json) {
      if (json.value(DONE) == 1 && json.value(REASON) >= 0) {
        // the model was loaded or unloaded, and asked nothing
        return Usage.reported(0, 0);
      }
      return super.usage(json);
    }
  },

  /** Chats, completions, embeddings and responses of OpenAI's API, and llama.cpp's timings. */
  OPENAI {
    @Override
    JsonShape shape() {
      JsonShape output = slot(OUTPUT);
      JsonShape details = node().with("cached_tokens", slot(CACHED_TOKENS));
      JsonShape usage =
          node()
              .with("prompt_tokens", slot(INPUT_TOKENS))
              .with("completion_tokens", slot(OUTPUT_TOKENS))
              .with("prompt_tokens_details", details)
              .with("input_tokens", slot(INPUT_TOKENS))
              .with("output_tokens", slot(OUTPUT_TOKENS))
              .with("input_tokens_details", details);
      JsonShape delta =
          node()
              .with("content", output)
              .with("reasoning_content", output)
              .with("reasoning", output)
              .with("refusal", output)
              .with("tool_calls", node().each(output));
      return node()
          .with("error", slot(ERROR))
          .with("usage", usage)
          .with(
              "timings",
              node()
                  .with("cache_n", slot(CACHED_TOKENS))
                  .with("prompt_n", slot(TIMED_INPUT))
                  .with("predicted_n", slot(TIMED_OUTPUT)))
          .with("choices", node().each(node().with("delta", delta).with("text", output)));
    }

    @Override
    boolean ends(JsonScanner json) {
      return false;
    }

    @Override
    @Nullable Usage usage(JsonScanner json) {
      Usage usage = super.usage(json);
      if (usage == null && json.has(TIMED_OUTPUT)) {
        long input = Math.max(0, json.value(TIMED_INPUT)) + Math.max(0, json.value(CACHED_TOKENS));
        return Usage.reported(input, json.value(TIMED_OUTPUT)).cached(json.value(CACHED_TOKENS));
      }
      return usage == null ? null : usage.cached(json.value(CACHED_TOKENS));
    }
  },

  /** OpenAI's responses as a stream of named events. */
  RESPONSES {
    @Override
    JsonShape shape() {
      JsonShape usage =
          node()
              .with("input_tokens", slot(INPUT_TOKENS))
              .with("output_tokens", slot(OUTPUT_TOKENS))
              .with("input_tokens_details", node().with("cached_tokens", slot(CACHED_TOKENS)));
      return node()
          .with(
              "type",
              word(
                  TYPE,
                  "response.completed",
                  "response.incomplete",
                  "response.failed",
                  "error",
                  "response.output_text.delta",
                  "response.reasoning_text.delta",
                  "response.reasoning_summary_text.delta",
                  "response.function_call_arguments.delta",
                  "response.refusal.delta"))
          .with("usage", usage)
          .with("error", slot(ERROR))
          .with("response", node().with("usage", usage).with("error", slot(ERROR)));
    }

    @Override
    boolean ends(JsonScanner json) {
      return json.value(TYPE) >= 0 && json.value(TYPE) <= 2;
    }

    @Override
    boolean fails(JsonScanner json) {
      return super.fails(json) || json.value(TYPE) == 2 || json.value(TYPE) == 3;
    }

    @Override
    boolean output(JsonScanner json) {
      return json.value(TYPE) >= 4;
    }

    @Override
    @Nullable Usage usage(JsonScanner json) {
      Usage usage = super.usage(json);
      return usage == null ? null : usage.cached(json.value(CACHED_TOKENS));
    }
  },

  /** Anthropic's messages. */
  ANTHROPIC {
    @Override
    JsonShape shape() {
      JsonShape usage =
          node()
              .with("input_tokens", slot(INPUT_TOKENS))
              .with("output_tokens", slot(OUTPUT_TOKENS))
              .with("cache_read_input_tokens", slot(CACHED_TOKENS))
              .with("cache_creation_input_tokens", slot(CREATED_TOKENS));
      return node()
          .with("type", word(TYPE, "message_stop", "error", "content_block_delta"))
          .with("usage", usage)
          .with("error", slot(ERROR))
          .with("message", node().with("usage", usage));
    }

    @Override
    boolean ends(JsonScanner json) {
      return json.value(TYPE) == 0;
    }

    @Override
    boolean fails(JsonScanner json) {
      return super.fails(json) || json.value(TYPE) == 1;
    }

    @Override
    boolean output(JsonScanner json) {
      return json.value(TYPE) == 2;
    }

    @Override
    @Nullable Usage usage(JsonScanner json) {
      Usage usage = super.usage(json);
      if (usage == null) {
        return null;
      }
      // what came from or went to the cache is not in input_tokens
      long cached =
          Math.max(0, json.value(CACHED_TOKENS)) + Math.max(0, json.value(CREATED_TOKENS));
      return Usage.reported(usage.inputTokens() + cached, usage.outputTokens())
          .cached(json.value(CACHED_TOKENS));
    }
  };

  static final int DONE = 0;
  static final int REASON = 1;
  static final int TYPE = 2;
  static final int ERROR = 3;
  static final int INPUT_TOKENS = 4;
  static final int OUTPUT_TOKENS = 5;
  static final int CACHED_TOKENS = 6;
  static final int CREATED_TOKENS = 7;
  static final int TIMED_INPUT = 8;
  static final int TIMED_OUTPUT = 9;
  static final int OUTPUT = 10;
  private static final int SLOTS = 11;

  private static final Map<AnswerShape, JsonShape> SHAPES =
      Arrays.stream(values())
          .collect(Collectors.toUnmodifiableMap(shape -> shape, AnswerShape::shape));

  /** A scanner for answers, or events of answers, of this shape. */
  JsonScanner scanner() {
    return new JsonScanner(Objects.requireNonNull(SHAPES.get(this)), SLOTS);
  }

  abstract JsonShape shape();

  /** True if this line or event is the last that the answer has to have. */
  abstract boolean ends(JsonScanner json);

  /** True if this line or event, or the whole answer, is an error. */
  boolean fails(JsonScanner json) {
    return json.has(ERROR);
  }

  /** True if this line or event carries output. */
  boolean output(JsonScanner json) {
    return json.has(OUTPUT);
  }

  /** True if this line or event has counts. */
  boolean counts(JsonScanner json) {
    return json.has(INPUT_TOKENS)
        || json.has(OUTPUT_TOKENS)
        || json.has(TIMED_OUTPUT)
        || json.has(REASON);
  }

  /** The counts of this line, event or answer, or null; a count that is missing is 0. */
  @Nullable Usage usage(JsonScanner json) {
    if (!json.has(INPUT_TOKENS) && !json.has(OUTPUT_TOKENS)) {
      return null;
    }
    return Usage.reported(
        Math.max(0, json.value(INPUT_TOKENS)), Math.max(0, json.value(OUTPUT_TOKENS)));
  }
}
