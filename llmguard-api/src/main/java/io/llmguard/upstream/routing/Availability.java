package io.llmguard.upstream.routing;

import io.llmguard.upstream.Upstream;
import java.util.List;

/** Knows which models the upstreams have. Thread-safe; must not block. */
public interface Availability {
  /** What is known about a model at an upstream. */
  enum State {
    /** Nothing. */
    UNKNOWN,
    /** The upstream does not have it. */
    ABSENT,
    /** The upstream has it, and would have to load it. */
    PRESENT,
    /** The upstream has it in memory. */
    LOADED
  }

  /** What is known about a model, by the upstream's name for it. */
  State of(Upstream upstream, String model);

  /** The names of the models that an upstream has, as far as they are known. */
  List<String> models(Upstream upstream);

  /** Knows nothing. */
  static Availability unknown() {
    return new Availability() {
      @Override
      public State of(Upstream upstream, String model) {
        return State.UNKNOWN;
      }

      @Override
      public List<String> models(Upstream upstream) {
        return List.of();
      }
    };
  }
}
