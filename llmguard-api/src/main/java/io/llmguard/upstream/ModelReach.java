package io.llmguard.upstream;

import io.llmguard.Exchange;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The models that may answer a call, known before one is chosen.
 *
 * @param models the one that the call asks for, then those to which it may fall back; not empty
 */
public record ModelReach(List<Model> models) {
  /** Where {@link ModelReachStage} keeps it. */
  public static final Exchange.Key<ModelReach> KEY =
      new Exchange.Key<>("model-reach", ModelReach.class);

  /** Checks and copies the list. */
  public ModelReach {
    models = List.copyOf(models);
    if (models.isEmpty()) {
      throw new IllegalArgumentException("a call reaches at least one model");
    }
  }

  /**
   * A model.
   *
   * @param name its one name, whatever further names clients use
   * @param group the name of the deployments among which the router chooses, as {@link
   *     Placement#model} says it; another one than the model's where it is a pattern
   * @param deployments the ids of all of these, as {@link Placement#deployment} says them
   */
  public record Model(String name, String group, List<String> deployments) {
    /** Copies the list. */
    public Model {
      deployments = List.copyOf(deployments);
    }
  }

  /** Says which models a call may reach. Thread-safe; it does not block. */
  @FunctionalInterface
  public interface Source {
    /** What a call may reach, or null where its model is not known or it asks for none. */
    @Nullable ModelReach of(Exchange exchange);
  }
}
