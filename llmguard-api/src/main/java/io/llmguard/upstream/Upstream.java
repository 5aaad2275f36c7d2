package io.llmguard.upstream;

import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import java.net.URI;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A server that answers calls, and how it is spoken to; immutable. */
public final class Upstream {
  private final String name;
  private final URI base;
  private final UpstreamTransport transport;
  private final UpstreamTimeouts timeouts;
  private final UpstreamTimeouts streamTimeouts;
  private final @Nullable String credentialHeader;
  private final @Nullable String credential;
  private final boolean cancelOnClientGone;
  private final boolean nativeApi;
  private final Headers headers;
  private final UpstreamTargets targets;

  private Upstream(Builder builder) {
    name = builder.name;
    base = builder.base;
    transport = builder.transport;
    timeouts = builder.timeouts;
    streamTimeouts = builder.streamTimeouts == null ? timeouts : builder.streamTimeouts;
    credentialHeader = builder.credentialHeader;
    credential = builder.credential;
    cancelOnClientGone = builder.cancelOnClientGone;
    nativeApi = builder.nativeApi;
    headers = HeaderMap.copyOf(builder.headers);
    targets = new UpstreamTargets(base);
  }

  /**
   * A builder of an upstream.
   *
   * @param name what it is called in audit lines, metrics and {@code X-Llmguard-Upstream}
   * @param base {@code http} or {@code https}, host, port and perhaps a path under which its API
   *     stands; no user, query or fragment
   * @param transport what carries calls to it; not closed by the upstream
   */
  public static Builder builder(String name, URI base, UpstreamTransport transport) {
    return new Builder(name, base, transport);
  }

  /** What it is called. */
  public String name() {
    return name;
  }

  /** Where its API stands. */
  public URI base() {
    return base;
  }

  /** What carries calls to it. */
  public UpstreamTransport transport() {
    return transport;
  }

  /** How long each phase of a call may take. */
  public UpstreamTimeouts timeouts() {
    return timeouts;
  }

  /** How long each phase may take of a call that asks for a stream. */
  public UpstreamTimeouts streamTimeouts() {
    return streamTimeouts;
  }

  /** True if a call is cancelled when its client has left. */
  public boolean cancelOnClientGone() {
    return cancelOnClientGone;
  }

  /** True if it has Ollama's native API beside OpenAI's, false if it has only OpenAI's. */
  public boolean nativeApi() {
    return nativeApi;
  }

  Headers headers() {
    return headers;
  }

  /** Asks it something that is no client's call, with its credential. */
  public UpstreamTransport.UpstreamCall ask(
      String path, UpstreamTimeouts within, UpstreamTransport.ResponseHandler handler) {
    HeaderMap fields = HeaderMap.copyOf(headers).add("Accept-Encoding", "identity");
    if (credentialHeader != null && credential != null) {
      fields.set(credentialHeader, credential);
    }
    return transport.send(
        new UpstreamRequest(
            "GET", targets.of(path, null), fields, new UpstreamRequest.Content.None(), within),
        handler);
  }

  @Nullable String credentialHeader() {
    return credentialHeader;
  }

  @Nullable String credential() {
    return credential;
  }

  UpstreamTargets targets() {
    return targets;
  }

  /** The name and the address; never the credential. */
  @Override
  public String toString() {
    return "Upstream[" + name + ", " + base + "]";
  }

  /** Collects what an upstream is. Not thread-safe. */
  public static final class Builder {
    private final String name;
    private final URI base;
    private final UpstreamTransport transport;
    private UpstreamTimeouts timeouts = UpstreamTimeouts.DEFAULTS;
    private @Nullable UpstreamTimeouts streamTimeouts;
    private @Nullable String credentialHeader;
    private @Nullable String credential;
    private boolean cancelOnClientGone = true;
    private boolean nativeApi = true;
    private final HeaderMap headers = new HeaderMap();

    private Builder(String name, URI base, UpstreamTransport transport) {
      this.name = Objects.requireNonNull(name);
      this.base = checked(base);
      this.transport = Objects.requireNonNull(transport);
    }

    private static URI checked(URI base) {
      boolean http = "http".equals(base.getScheme()) || "https".equals(base.getScheme());
      if (!http || base.getHost() == null) {
        throw new IllegalArgumentException("an upstream needs http:// or https:// and a host");
      }
      if (base.getRawUserInfo() != null) {
        throw new IllegalArgumentException(
            "the upstream " + base.getHost() + " has a user in its URL; set a credential instead");
      }
      if (base.getRawQuery() != null || base.getRawFragment() != null) {
        throw new IllegalArgumentException("an upstream's URL has no query and no fragment");
      }
      return base;
    }

    /** How long each phase may take; {@link UpstreamTimeouts#DEFAULTS} unless set. */
    public Builder timeouts(UpstreamTimeouts value) {
      timeouts = Objects.requireNonNull(value);
      return this;
    }

    /** The same for calls that ask for a stream; as for the others unless set. */
    public Builder streamTimeouts(UpstreamTimeouts value) {
      streamTimeouts = Objects.requireNonNull(value);
      return this;
    }

    /**
     * What the upstream is shown with each call; nothing unless set. The client's own credential is
     * never passed on.
     *
     * @param header the name of the field, such as {@code Authorization}
     * @param value its value, such as {@code Bearer …}
     */
    public Builder credential(String header, String value) {
      new HeaderMap().add(header, value); // refuses line breaks
      credentialHeader = header;
      credential = value;
      return this;
    }

    /**
     * False for a server that does not survive a cancelled call: when a client leaves, the answer
     * is then read to its end and thrown away, and the call counts as under way until it comes.
     * True unless set.
     */
    public Builder cancelOnClientGone(boolean value) {
      cancelOnClientGone = value;
      return this;
    }

    /** A field that each call carries, in place of what the client sent under its name. */
    public Builder header(String header, String value) {
      headers.set(header, value);
      return this;
    }

    /** False for a server that has only OpenAI's API and not Ollama's own; true unless set. */
    public Builder nativeApi(boolean value) {
      nativeApi = value;
      return this;
    }

    /** The upstream. */
    public Upstream build() {
      return new Upstream(this);
    }
  }
}
