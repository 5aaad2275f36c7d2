package io.llmguard.wire;

import io.llmguard.Refusal;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How much of a server an allowed call may ask for.
 *
 * <p>By default there is no ceiling, but media that the upstream would read from its disk or fetch,
 * and tools that it would run itself, are refused. Immutable and thread-safe.
 *
 * @param mode what happens to a call that asks for more
 * @param maxOutputTokens tokens of output for each answer, at least 1, or null; a call that sets no
 *     limit of its own, or one that means no end, gets this one
 * @param maxContextTokens {@code num_ctx}, at least 1, or null
 * @param minKeepAlive how long a call must at least let its model stay loaded, or null
 * @param maxKeepAlive how long a call may keep its model loaded, or null
 * @param maxLogprobs how many log probabilities for each token, 0 for none, or null
 * @param maxChoices {@code n} and {@code best_of}, at least 1, or null
 * @param loadOptions true if options may be set that make the server load the model anew for
 *     everyone: all but the known ones that only steer sampling; {@code num_ctx} is one of them
 *     unless it has a ceiling
 * @param loadOnly true if a call may have no prompt, which only loads or unloads a model
 * @param localMedia true if an image's URL may name a file of the upstream's
 * @param remoteMedia true if an image's URL may name a host
 * @param serverTools true if a call may make the server run tools, such as a web search
 * @param sameOutputLimit true if {@code max_completion_tokens} is also sent as {@code max_tokens},
 *     the only one that Ollama obeys
 */
public record Ceilings(
    Mode mode,
    @Nullable Long maxOutputTokens,
    @Nullable Long maxContextTokens,
    @Nullable Duration minKeepAlive,
    @Nullable Duration maxKeepAlive,
    @Nullable Integer maxLogprobs,
    @Nullable Integer maxChoices,
    boolean loadOptions,
    boolean loadOnly,
    boolean localMedia,
    boolean remoteMedia,
    boolean serverTools,
    boolean sameOutputLimit) {
  /** The defaults. */
  public static final Ceilings DEFAULT = builder().build();

  /** What happens to a call that asks for more than it may. */
  public enum Mode {
    /** It gets what it may. What cannot be made less is refused. */
    CLAMP,
    /** It is refused with 403. */
    REFUSE
  }

  /** What the ceilings say to a call. */
  public sealed interface Result {
    /**
     * The call may go on.
     *
     * @param body what to forward; wraps the very array that was read if nothing was changed
     * @param call what it asks for now
     */
    record Within(ByteBuffer body, Call call) implements Result {}

    /** The call is refused. */
    record Above(Refusal refusal) implements Result {}
  }

  /** Checks the ranges. */
  public Ceilings {
    atLeast(1, maxOutputTokens, "maxOutputTokens");
    atLeast(1, maxContextTokens, "maxContextTokens");
    atLeast(0, maxLogprobs == null ? null : maxLogprobs.longValue(), "maxLogprobs");
    atLeast(1, maxChoices == null ? null : maxChoices.longValue(), "maxChoices");
    atLeast(0, minKeepAlive == null ? null : minKeepAlive.toMillis(), "minKeepAlive");
    atLeast(0, maxKeepAlive == null ? null : maxKeepAlive.toMillis(), "maxKeepAlive");
    if (minKeepAlive != null && maxKeepAlive != null && minKeepAlive.compareTo(maxKeepAlive) > 0) {
      throw new IllegalArgumentException("minKeepAlive is above maxKeepAlive");
    }
  }

  private static void atLeast(long least, @Nullable Long value, String name) {
    if (value != null && value < least) {
      throw new IllegalArgumentException(name + " must be at least " + least + ": " + value);
    }
  }

  /** The same, but refusing what is above a number. */
  public Ceilings refusing() {
    return new Ceilings(
        Mode.REFUSE,
        maxOutputTokens,
        maxContextTokens,
        minKeepAlive,
        maxKeepAlive,
        maxLogprobs,
        maxChoices,
        loadOptions,
        loadOnly,
        localMedia,
        remoteMedia,
        serverTools,
        sameOutputLimit);
  }

  /** The same without a number: only what is allowed or not at all. */
  public Ceilings withoutNumbers() {
    return new Ceilings(
        mode,
        null,
        null,
        null,
        null,
        null,
        null,
        true,
        true,
        localMedia,
        remoteMedia,
        serverTools,
        sameOutputLimit);
  }

  /** Holds a call against the ceilings. */
  public Result apply(CheckedBody body) {
    return apply(body, body.edits());
  }

  /**
   * Holds a call against the ceilings.
   *
   * @param edits what else is to be changed in the body; gets the ceilings' changes too
   */
  public Result apply(CheckedBody body, BodyEdits edits) {
    return new CeilingCheck(this, body, edits).result();
  }

  /** A builder with the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects ceilings. Not thread-safe. */
  public static final class Builder {
    private Mode mode = Mode.CLAMP;
    private @Nullable Long maxOutputTokens;
    private @Nullable Long maxContextTokens;
    private @Nullable Duration minKeepAlive;
    private @Nullable Duration maxKeepAlive;
    private @Nullable Integer maxLogprobs;
    private @Nullable Integer maxChoices;
    private boolean loadOptions = true;
    private boolean loadOnly = true;
    private boolean localMedia;
    private boolean remoteMedia;
    private boolean serverTools;
    private boolean sameOutputLimit = true;

    private Builder() {}

    /** What happens to a call that asks for more; {@link Mode#CLAMP} unless set. */
    public Builder mode(Mode value) {
      mode = Objects.requireNonNull(value);
      return this;
    }

    /** Tokens of output for each answer; none unless set. */
    public Builder maxOutputTokens(long value) {
      maxOutputTokens = value;
      return this;
    }

    /** The largest context; none unless set. */
    public Builder maxContextTokens(long value) {
      maxContextTokens = value;
      return this;
    }

    /** The shortest {@code keep_alive}; none unless set. */
    public Builder minKeepAlive(Duration value) {
      minKeepAlive = value;
      return this;
    }

    /** The longest {@code keep_alive}; none unless set. */
    public Builder maxKeepAlive(Duration value) {
      maxKeepAlive = value;
      return this;
    }

    /** Log probabilities for each token; none unless set. */
    public Builder maxLogprobs(int value) {
      maxLogprobs = value;
      return this;
    }

    /** Answers to one call; none unless set. */
    public Builder maxChoices(int value) {
      maxChoices = value;
      return this;
    }

    /** Whether load-time options are allowed; true unless set. */
    public Builder loadOptions(boolean value) {
      loadOptions = value;
      return this;
    }

    /** Whether calls without a prompt are allowed; true unless set. */
    public Builder loadOnly(boolean value) {
      loadOnly = value;
      return this;
    }

    /** Whether media may be read from the upstream's disk; false unless set. */
    public Builder localMedia(boolean value) {
      localMedia = value;
      return this;
    }

    /** Whether media may be fetched by the upstream; false unless set. */
    public Builder remoteMedia(boolean value) {
      remoteMedia = value;
      return this;
    }

    /** Whether the server may run tools itself; false unless set. */
    public Builder serverTools(boolean value) {
      serverTools = value;
      return this;
    }

    /**
     * Whether {@code max_completion_tokens} is also sent as {@code max_tokens}; true unless set.
     */
    public Builder sameOutputLimit(boolean value) {
      sameOutputLimit = value;
      return this;
    }

    /**
     * The ceilings.
     *
     * @throws IllegalArgumentException if a value is out of its range
     */
    public Ceilings build() {
      return new Ceilings(
          mode,
          maxOutputTokens,
          maxContextTokens,
          minKeepAlive,
          maxKeepAlive,
          maxLogprobs,
          maxChoices,
          loadOptions,
          loadOnly,
          localMedia,
          remoteMedia,
          serverTools,
          sameOutputLimit);
    }
  }
}
