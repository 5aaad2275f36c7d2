package io.llmguard.upstream;

import java.util.concurrent.Executor;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/** How an {@link UpstreamTransport} connects; immutable. */
public final class TransportSettings {
  private final @Nullable SSLContext tls;
  private final int maxConnections;
  private final @Nullable Executor executor;
  private final boolean blockingHandlers;

  private TransportSettings(Builder builder) {
    tls = builder.tls;
    maxConnections = builder.maxConnections;
    executor = builder.executor;
    blockingHandlers = builder.blockingHandlers;
  }

  /** A builder with the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** Whom to trust and what to present on {@code https}, or null for the platform's defaults. */
  public @Nullable SSLContext tls() {
    return tls;
  }

  /** How many connections to one host and port may stand at once; further calls wait. */
  public int maxConnections() {
    return maxConnections;
  }

  /** What runs the transport's work, or null for threads of its own. */
  public @Nullable Executor executor() {
    return executor;
  }

  /** True if response handlers may block the thread that calls them. */
  public boolean blockingHandlers() {
    return blockingHandlers;
  }

  /** Collects the settings of a transport. Not thread-safe. */
  public static final class Builder {
    private @Nullable SSLContext tls;
    private int maxConnections = 4096;
    private @Nullable Executor executor;
    private boolean blockingHandlers = true;

    private Builder() {}

    /** Whom to trust and what to present on {@code https}; the platform's defaults unless set. */
    public Builder tls(SSLContext value) {
      tls = value;
      return this;
    }

    /**
     * How many connections to one host and port may stand at once, 1 or more; 4096 unless set. The
     * time that a call waits for one counts as time to connect.
     */
    public Builder maxConnections(int value) {
      if (value < 1) {
        throw new IllegalArgumentException("at least one connection is needed: " + value);
      }
      maxConnections = value;
      return this;
    }

    /** What runs the transport's work, which does not close it; threads of its own unless set. */
    public Builder executor(Executor value) {
      executor = value;
      return this;
    }

    /**
     * False if no response handler ever blocks: a transport may then call it on the very thread
     * that reads the network, which saves a change of threads. True unless set.
     */
    public Builder blockingHandlers(boolean value) {
      blockingHandlers = value;
      return this;
    }

    /** The settings. */
    public TransportSettings build() {
      return new TransportSettings(this);
    }
  }
}
