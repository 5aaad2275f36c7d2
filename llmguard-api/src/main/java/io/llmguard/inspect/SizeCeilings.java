package io.llmguard.inspect;

import io.llmguard.limit.TokenEstimator;
import io.llmguard.wire.Call;
import org.jspecify.annotations.Nullable;

/**
 * Refuses prompts and answers that are longer than they may be.
 *
 * <p>A prompt is measured before it is sent anywhere: every text that the model reads, with system
 * prompts, tools and schemas. An answer is refused as soon as it is longer, a stream in its middle.
 * The kinds are {@code prompt-characters}, {@code prompt-tokens}, {@code messages}, {@code
 * answer-characters} and {@code answer-tokens}. Immutable and thread-safe.
 */
public final class SizeCeilings implements PromptInspector, ResponseInspector {
  private static final int CHARACTERS_OF_A_TOKEN = 4;

  private final String name;
  private final long promptCharacters;
  private final long promptTokens;
  private final long messages;
  private final long answerCharacters;
  private final long answerTokens;
  private final TokenEstimator estimator;

  private SizeCeilings(Builder builder) {
    name = builder.name;
    promptCharacters = builder.promptCharacters;
    promptTokens = builder.promptTokens;
    messages = builder.messages;
    answerCharacters = builder.answerCharacters;
    answerTokens = builder.answerTokens;
    estimator = builder.estimator;
  }

  /** A builder without ceilings. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public String name() {
    return name;
  }

  /** True if it looks at prompts at all. */
  public boolean limitsPrompts() {
    return Math.min(promptCharacters, Math.min(promptTokens, messages)) < Long.MAX_VALUE;
  }

  /** True if it looks at answers at all. */
  public boolean limitsAnswers() {
    return Math.min(answerCharacters, answerTokens) < Long.MAX_VALUE;
  }

  @Override
  public Verdict inspect(Prompt prompt) {
    long characters = prompt.characters();
    if (prompt.messages() > messages) {
      return new Verdict.Refuse("messages");
    }
    if (characters > promptCharacters) {
      return new Verdict.Refuse("prompt-characters");
    }
    if (promptTokens < Long.MAX_VALUE) {
      long estimated = estimator.estimate(prompt.call()).input();
      if (Math.max(estimated, characters / CHARACTERS_OF_A_TOKEN + 1) > promptTokens) {
        return new Verdict.Refuse("prompt-tokens");
      }
    }
    return Verdict.ALLOW;
  }

  @Override
  public Answer open(@Nullable Call call) {
    return new Measured();
  }

  private final class Measured implements Answer {
    private long characters;
    private boolean refused;

    @Override
    public Text text(boolean repeats) {
      return (text, last) -> {
        if (!repeats) {
          characters += text.length();
        }
        return new Ruling(text.length(), verdict());
      };
    }

    private Verdict verdict() {
      if (refused) {
        return Verdict.ALLOW;
      }
      if (characters > answerCharacters) {
        refused = true;
        return new Verdict.Refuse("answer-characters");
      }
      if (characters / CHARACTERS_OF_A_TOKEN > answerTokens) {
        refused = true;
        return new Verdict.Refuse("answer-tokens");
      }
      return Verdict.ALLOW;
    }
  }

  /** Collects the ceilings; there is none unless set. Not thread-safe. */
  public static final class Builder {
    private String name = "size";
    private long promptCharacters = Long.MAX_VALUE;
    private long promptTokens = Long.MAX_VALUE;
    private long messages = Long.MAX_VALUE;
    private long answerCharacters = Long.MAX_VALUE;
    private long answerTokens = Long.MAX_VALUE;
    private TokenEstimator estimator = TokenEstimator.byLength(0);

    private Builder() {}

    /** What it is called, as in {@link PromptInspector#name}; {@code size} unless set. */
    public Builder name(String value) {
      name = Names.check(value);
      return this;
    }

    /** UTF-16 units of all texts of a prompt together. */
    public Builder promptCharacters(long value) {
      promptCharacters = atLeastOne(value);
      return this;
    }

    /**
     * Estimated tokens of a prompt: what the estimator says, or a quarter of all its characters,
     * whichever is more.
     */
    public Builder promptTokens(long value) {
      promptTokens = atLeastOne(value);
      return this;
    }

    /** Messages of a chat. */
    public Builder messages(long value) {
      messages = atLeastOne(value);
      return this;
    }

    /** UTF-16 units of all texts of an answer together. */
    public Builder answerCharacters(long value) {
      answerCharacters = atLeastOne(value);
      return this;
    }

    /** Estimated tokens of an answer: a quarter of its characters. */
    public Builder answerTokens(long value) {
      answerTokens = atLeastOne(value);
      return this;
    }

    /** How a prompt's tokens are estimated; by its length unless set. */
    public Builder estimator(TokenEstimator value) {
      estimator = value;
      return this;
    }

    private static long atLeastOne(long value) {
      if (value < 1) {
        throw new IllegalArgumentException("a ceiling is at least 1: " + value);
      }
      return value;
    }

    /** The inspector. */
    public SizeCeilings build() {
      return new SizeCeilings(this);
    }
  }
}
