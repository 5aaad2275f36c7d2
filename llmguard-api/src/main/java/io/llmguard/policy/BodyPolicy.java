package io.llmguard.policy;

import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.limit.LimitListener;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.PromptHasher;
import io.llmguard.wire.RequestReader;
import java.nio.file.Path;
import java.util.Objects;

/**
 * What a guard does with bodies: it reads JSON and forms, judges the models that they name, and
 * holds what they ask for against ceilings.
 *
 * <p>These stages belong together: a body that one of them does not read, none of them judges.
 * Immutable and thread-safe; its stages are made once and stand in every guard that it is added to.
 */
public final class BodyPolicy {
  /** The largest JSON body unless that is set, in bytes: 10 MiB. */
  public static final int MAX_BODY = 10 << 20;

  /** The largest form unless that is set, in bytes: 100 MiB. */
  public static final long MAX_FORM = 100L << 20;

  private final BodyStage bodies;
  private final FormStage forms;
  private final ModelStage models = new ModelStage();
  private final CeilingStage ceilings;

  private BodyPolicy(Builder builder) {
    bodies = new BodyStage(RequestReader.create(builder.hasher), builder.maxBody);
    forms = new FormStage(builder.formDirectory, builder.maxForm);
    ceilings = new CeilingStage(builder.ceilings, builder.shadow, builder.listener);
  }

  /** A builder with the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Adds the stages at their places; the guard has an {@link EndpointStage} too. */
  public void addTo(StandardGuard.Builder guard) {
    guard.stage(Place.BODY, bodies);
    guard.stage(Place.BODY, forms);
    guard.stage(Place.MODEL, models);
    guard.stage(Place.MODEL, ceilings);
  }

  /** Collects what bodies are held to. Not thread-safe. */
  public static final class Builder {
    private PromptHasher hasher = PromptHasher.sha256();
    private int maxBody = MAX_BODY;
    private long maxForm = MAX_FORM;
    private Path formDirectory = Path.of(System.getProperty("java.io.tmpdir", ""));
    private Ceilings ceilings = Ceilings.DEFAULT;
    private boolean shadow;
    private LimitListener listener = LimitListener.NONE;

    private Builder() {}

    /** How prompts are digested; by SHA-256 unless set. */
    public Builder hasher(PromptHasher value) {
      hasher = Objects.requireNonNull(value);
      return this;
    }

    /**
     * How many bytes a JSON body may have, as sent and as decoded; {@link #MAX_BODY} unless set.
     */
    public Builder maxBody(int bytes) {
      maxBody = bytes;
      return this;
    }

    /** How many bytes a form may have; {@link #MAX_FORM} unless set. */
    public Builder maxForm(long bytes) {
      maxForm = bytes;
      return this;
    }

    /**
     * Where forms lie while they are judged and sent, in files that only their owner reads; it must
     * exist. The directory for temporary files unless set.
     */
    public Builder formDirectory(Path value) {
      formDirectory = Objects.requireNonNull(value);
      return this;
    }

    /** What a call may ask of a server; {@link Ceilings#DEFAULT} unless set. */
    public Builder ceilings(Ceilings value) {
      ceilings = Objects.requireNonNull(value);
      return this;
    }

    /**
     * Whether what is above a number of the ceilings is only counted and reported; false unless
     * set.
     */
    public Builder ceilingsInShadow(boolean value) {
      shadow = value;
      return this;
    }

    /** Hears what the ceilings say; nobody unless set. */
    public Builder listener(LimitListener value) {
      listener = Objects.requireNonNull(value);
      return this;
    }

    /**
     * The policy.
     *
     * @throws IllegalArgumentException if a size is out of its range
     */
    public BodyPolicy build() {
      return new BodyPolicy(this);
    }
  }
}
