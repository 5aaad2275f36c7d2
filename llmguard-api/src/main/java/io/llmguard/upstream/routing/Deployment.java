package io.llmguard.upstream.routing;

import io.llmguard.upstream.Upstream;
import io.llmguard.wire.Parameters;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A model at an upstream, under a name that several deployments may share; immutable. */
public final class Deployment {
  private final String alias;
  private final Upstream upstream;
  private final String model;
  private final String id;
  private final double weight;
  private final long tokensPerMinute;
  private final long requestsPerMinute;
  private final int order;
  private final int maxParallel;
  private final long maxInputTokens;
  private final Parameters parameters;

  private Deployment(Builder builder) {
    alias = builder.alias;
    upstream = builder.upstream;
    model = builder.model;
    String given = builder.id;
    id = given == null ? digest(alias, upstream, model) : given;
    weight = builder.weight;
    tokensPerMinute = builder.tokensPerMinute;
    requestsPerMinute = builder.requestsPerMinute;
    order = builder.order;
    maxParallel = builder.maxParallel;
    maxInputTokens = builder.maxInputTokens;
    parameters = builder.parameters;
  }

  /** The same at each start, and tells clients nothing about the server. */
  private static String digest(String alias, Upstream upstream, String model) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      String text = alias + "\n" + upstream.name() + "\n" + upstream.base() + "\n" + model;
      byte[] hash = sha.digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 6);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }

  /** A deployment without limits. */
  public static Deployment of(String alias, Upstream upstream, String model) {
    return builder(alias, upstream, model).build();
  }

  /**
   * A builder of a deployment.
   *
   * @param alias the name that clients use; one {@code *} in it stands for any text
   * @param upstream where the model is
   * @param model the upstream's name for it; a {@code *} in it becomes the text for which the
   *     alias's stands
   */
  public static Builder builder(String alias, Upstream upstream, String model) {
    return new Builder(alias, upstream, model);
  }

  /**
   * The servers of deployments, each name once; of several ways to one server, the one that has
   * both APIs.
   */
  public static List<Upstream> upstreams(List<Deployment> deployments) {
    Map<String, Upstream> byName = new LinkedHashMap<>();
    for (Deployment deployment : deployments) {
      byName.merge(
          deployment.upstream().name(),
          deployment.upstream(),
          (known, more) -> known.nativeApi() ? known : more);
    }
    return List.copyOf(byName.values());
  }

  /** The name that clients use. */
  public String alias() {
    return alias;
  }

  /** Where the model is. */
  public Upstream upstream() {
    return upstream;
  }

  /** The upstream's name for the model. */
  public String model() {
    return model;
  }

  /** What it is called in answers. */
  public String id() {
    return id;
  }

  /** Its share where the choice is by weight; 0 where none was given. */
  public double weight() {
    return weight;
  }

  /** How many tokens it may take in a minute. */
  public long tokensPerMinute() {
    return tokensPerMinute;
  }

  /** How many calls it may take in a minute. */
  public long requestsPerMinute() {
    return requestsPerMinute;
  }

  /** Deployments of a higher order are asked only where none of a lower one can be. */
  public int order() {
    return order;
  }

  /** How many calls it may have at once. */
  public int maxParallel() {
    return maxParallel;
  }

  /** How many tokens a prompt may have here. */
  public long maxInputTokens() {
    return maxInputTokens;
  }

  /** What is decided here in place of callers. */
  public Parameters parameters() {
    return parameters;
  }

  /** Alias, upstream and model. */
  @Override
  public String toString() {
    return "Deployment[" + alias + ", " + upstream.name() + ", " + model + "]";
  }

  /** Collects what a deployment is. Not thread-safe. */
  public static final class Builder {
    private final String alias;
    private final Upstream upstream;
    private final String model;
    private @Nullable String id;
    private double weight;
    private long tokensPerMinute = Long.MAX_VALUE;
    private long requestsPerMinute = Long.MAX_VALUE;
    private int order = 1;
    private int maxParallel = Integer.MAX_VALUE;
    private long maxInputTokens = Long.MAX_VALUE;
    private Parameters parameters = Parameters.NONE;

    private Builder(String alias, Upstream upstream, String model) {
      if (alias.indexOf('*') != alias.lastIndexOf('*')) {
        throw new IllegalArgumentException("a model's name has at most one *: " + alias);
      }
      if (model.indexOf('*') >= 0 && alias.indexOf('*') < 0) {
        throw new IllegalArgumentException("nothing stands for the * in " + model);
      }
      this.alias = alias;
      this.upstream = Objects.requireNonNull(upstream);
      this.model = model;
    }

    /** What it is called in answers; a digest that tells nothing unless set. */
    public Builder id(String value) {
      new io.llmguard.HeaderMap().add("id", value); // refuses what cannot stand in a field
      id = value;
      return this;
    }

    /** Its share where the choice is by weight, above 0. */
    public Builder weight(double value) {
      if (!(value > 0 && value <= 1e9)) {
        throw new IllegalArgumentException("a weight is more than 0: " + value);
      }
      weight = value;
      return this;
    }

    /** How many tokens it may take in a minute, 1 or more; without limit unless set. */
    public Builder tokensPerMinute(long value) {
      tokensPerMinute = positive(value);
      return this;
    }

    /** How many calls it may take in a minute, 1 or more; without limit unless set. */
    public Builder requestsPerMinute(long value) {
      requestsPerMinute = positive(value);
      return this;
    }

    /** Lower orders are asked first; 1 unless set. */
    public Builder order(int value) {
      order = value;
      return this;
    }

    /** How many calls it may have at once, 1 or more; without limit unless set. */
    public Builder maxParallel(int value) {
      maxParallel = (int) positive(value);
      return this;
    }

    /** How many tokens a prompt may have here, 1 or more; without limit unless set. */
    public Builder maxInputTokens(long value) {
      maxInputTokens = positive(value);
      return this;
    }

    /**
     * What is decided here in place of callers, before what the router decides; nothing unless set.
     */
    public Builder parameters(Parameters value) {
      parameters = Objects.requireNonNull(value);
      return this;
    }

    private static long positive(long value) {
      if (value < 1) {
        throw new IllegalArgumentException("a limit is 1 or more: " + value);
      }
      return value;
    }

    /** The deployment. */
    public Deployment build() {
      return new Deployment(this);
    }
  }
}
