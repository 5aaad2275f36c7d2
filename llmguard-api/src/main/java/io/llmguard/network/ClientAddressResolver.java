package io.llmguard.network;

import io.llmguard.Headers;
import java.net.InetAddress;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Finds the caller's own address and whether its connection is TLS, behind proxies that are
 * trusted.
 *
 * <p>What a peer outside the trusted proxies says about others is ignored. From a trusted one, the
 * configured field is walked from the right, one element for each proxy, and the walk stops at the
 * first address that is no trusted proxy: everything further left is what that address claims. An
 * element that is malformed, {@code unknown} or obfuscated ends the walk at the last good hop.
 *
 * <p>The protocol is that of the hop that was taken: {@code proto} of the same {@code Forwarded}
 * element, or the value of {@code X-Forwarded-Proto} at the same place from the right, or its only
 * value. A proxy that names an address and no protocol leaves the connection counted as plain.
 *
 * <p>Immutable and thread-safe.
 */
public final class ClientAddressResolver {
  /** The field that the trusted proxies write. */
  public enum Source {
    /** {@code X-Forwarded-For}, and {@code X-Forwarded-Proto} beside it. */
    X_FORWARDED_FOR("X-Forwarded-For"),
    /** {@code Forwarded}, RFC 7239. */
    FORWARDED("Forwarded");

    private final String field;

    Source(String field) {
      this.field = field;
    }

    /** The field's name. */
    public String field() {
      return field;
    }

    Source other() {
      return this == FORWARDED ? X_FORWARDED_FOR : FORWARDED;
    }
  }

  /**
   * What was found.
   *
   * @param address the caller's address
   * @param secure true if the caller's own connection is TLS
   * @param conflict true if {@code Forwarded} and {@code X-Forwarded-For} both came from a trusted
   *     proxy and name different callers: one of them was passed on unchecked, and nobody can tell
   *     which
   */
  public record Client(InetAddress address, boolean secure, boolean conflict) {}

  private final CidrSet trusted;
  private final Source source;
  private final boolean ignoreOther;

  private ClientAddressResolver(Builder builder) {
    trusted = builder.trusted;
    source = builder.source;
    ignoreOther = builder.ignoreOther;
  }

  /** A resolver that trusts nobody: the peer is the caller. */
  public static ClientAddressResolver direct() {
    return builder().build();
  }

  /** A resolver behind these proxies, which write {@code X-Forwarded-For}. */
  public static ClientAddressResolver behind(CidrSet trustedProxies) {
    return builder().trustedProxies(trustedProxies).build();
  }

  /** A builder of a resolver that trusts nobody. */
  public static Builder builder() {
    return new Builder();
  }

  /** True if what this peer says about others is believed. */
  public boolean trusts(InetAddress peer) {
    return trusted.contains(peer);
  }

  /**
   * Finds the caller.
   *
   * @param peer the address at the other end of the connection
   * @param peerSecure true if that connection is TLS
   * @param headers the fields that came over it
   */
  public Client resolve(InetAddress peer, boolean peerSecure, Headers headers) {
    InetAddress nearest = IpAddresses.unmapped(peer);
    if (!trusted.contains(nearest)) {
      return new Client(nearest, peerSecure, false);
    }
    Hop hop = walk(nearest, headers, source);
    boolean conflict = false;
    if (!ignoreOther && headers.contains(source.other().field())) {
      conflict = !walk(nearest, headers, source.other()).address.equals(hop.address);
    }
    boolean secure = hop.depth == 0 ? peerSecure : isTls(protocol(hop, headers));
    return new Client(hop.address, secure, conflict);
  }

  /** How far the walk came: the address, how many elements were taken, the element's protocol. */
  private record Hop(InetAddress address, int depth, @Nullable String proto) {}

  private Hop walk(InetAddress nearest, Headers headers, Source from) {
    boolean forwarded = from == Source.FORWARDED;
    ForwardedElements elements = new ForwardedElements(headers.all(from.field()), forwarded);
    Hop hop = new Hop(nearest, 0, null);
    for (String text; trusted.contains(hop.address) && (text = elements.next()) != null; ) {
      ForwardedElement element =
          forwarded
              ? ForwardedElement.parse(text)
              : new ForwardedElement(ForwardedElement.bareAddress(text), null);
      if (element.client() == null) {
        break;
      }
      hop = new Hop(element.client(), hop.depth + 1, element.proto());
    }
    return hop;
  }

  private @Nullable String protocol(Hop hop, Headers headers) {
    if (source == Source.FORWARDED) {
      return hop.proto;
    }
    ForwardedElements elements = new ForwardedElements(headers.all("X-Forwarded-Proto"), false);
    String value = elements.next();
    String atHop = value;
    int seen = value == null ? 0 : 1;
    for (String text; (text = elements.next()) != null; ) {
      seen++;
      if (seen <= hop.depth) {
        atHop = text;
      }
    }
    // one value was set by the proxy that overwrites it; fewer values than hops say nothing
    return seen == 1 || seen >= hop.depth ? atHop : null;
  }

  private static boolean isTls(@Nullable String protocol) {
    return "https".equalsIgnoreCase(protocol) || "wss".equalsIgnoreCase(protocol);
  }

  /** Collects what a resolver goes by. Not thread-safe. */
  public static final class Builder {
    private CidrSet trusted = CidrSet.NONE;
    private Source source = Source.X_FORWARDED_FOR;
    private boolean ignoreOther;

    private Builder() {}

    /** The proxies that are believed; none unless set. */
    public Builder trustedProxies(CidrSet value) {
      trusted = Objects.requireNonNull(value);
      return this;
    }

    /** The field that they write; {@code X-Forwarded-For} unless set. */
    public Builder source(Source value) {
      source = Objects.requireNonNull(value);
      return this;
    }

    /**
     * Never looks at the field that is not the {@link #source}: for proxies that are known to write
     * theirs and to pass the other one on as it came. Unless set, two fields that disagree are a
     * {@link Client#conflict}.
     */
    public Builder ignoreOtherField(boolean value) {
      ignoreOther = value;
      return this;
    }

    /** The resolver. */
    public ClientAddressResolver build() {
      return new ClientAddressResolver(this);
    }
  }

  @Override
  public String toString() {
    return "ClientAddressResolver[" + source.field() + " from " + trusted + "]";
  }

  /** The blocks of the trusted proxies. */
  public List<CidrBlock> trustedProxies() {
    return trusted.blocks();
  }
}
