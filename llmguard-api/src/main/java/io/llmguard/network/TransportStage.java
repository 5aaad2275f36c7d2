package io.llmguard.network;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.GuardRequest;
import io.llmguard.Headers;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import java.time.Duration;
import java.util.Collection;
import java.util.Locale;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Judges how a call came: over TLS or not, to which name, and in a framing that reads in one way
 * only.
 *
 * <p>Refuses with
 *
 * <ul>
 *   <li>403 {@code tls-required}, or 308 {@code tls-redirect} where redirecting was chosen: a call
 *       over plain HTTP. Only GET, HEAD and OPTIONS without any credential are redirected: a
 *       credential that came in clear has been seen, and a client that is redirected silently would
 *       go on sending it;
 *   <li>400 {@code bad-host}: no {@code Host}, more than one, or a malformed one; 421 {@code
 *       unknown-host}: a name that this server does not have. Names are matched without their port,
 *       and those of loopback always pass. This is what keeps a web page from reaching a local
 *       server by a name of its own (DNS rebinding);
 *   <li>400 {@code bad-framing}: {@code Content-Length} beside {@code Transfer-Encoding}, or either
 *       of them malformed or sent twice; 400 {@code upgrade-refused}; 405 {@code method-refused}.
 * </ul>
 *
 * <p>Answers to calls over TLS carry {@code Strict-Transport-Security} (RFC 6797). Whether a call
 * is over TLS is {@link Exchange#secure}, so a {@link ClientAddressStage} comes before where
 * proxies stand in front. Thread-safe.
 */
public final class TransportStage implements Stage {
  private static final String[] CREDENTIAL_FIELDS = {
    "Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"
  };
  private static final String[] CREDENTIAL_PARAMETERS = {
    "key", "api_key", "api-key", "apikey", "token", "access_token"
  };
  private static final Refusal TLS_REQUIRED =
      Refusal.of(403, "tls-required", "this server takes calls over HTTPS only");
  private static final Refusal CREDENTIAL_EXPOSED =
      Refusal.of(
          403,
          "tls-required",
          "this server takes calls over HTTPS only, and the credential of this call came over plain"
              + " HTTP: have it replaced");

  /** What becomes of a call over plain HTTP. */
  public enum PlainHttp {
    /** It is refused. */
    REFUSE,
    /** It is sent to HTTPS if that exposes nothing, else refused. */
    REDIRECT,
    /** It is taken. */
    ALLOW
  }

  private final PlainHttp plainHttp;
  private final boolean loopbackExempt;
  private final HostRules hosts;
  private final int redirectPort;
  private final @Nullable String hsts;

  private TransportStage(Builder builder) {
    plainHttp = builder.plainHttp;
    loopbackExempt = builder.loopbackExempt;
    hosts = builder.hosts;
    redirectPort = builder.redirectPort;
    hsts =
        builder.hstsMaxAge.isZero()
            ? null
            : "max-age="
                + builder.hstsMaxAge.toSeconds()
                + (builder.hstsSubDomains ? "; includeSubDomains" : "");
  }

  /** A builder of a stage that refuses plain HTTP from elsewhere and takes every name. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public String name() {
    return "transport";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    GuardRequest request = exchange.request();
    Refusal refusal = MessageRules.check(request);
    if (refusal == null) {
      refusal = hosts.check(request);
    }
    if (refusal == null && !exchange.secure() && !mayBePlain(exchange)) {
      refusal = plain(request);
    }
    if (hsts != null && exchange.secure()) {
      exchange.responseHeaders().set("Strict-Transport-Security", hsts);
    }
    return refusal == null ? exchange.admit() : exchange.refuse(refusal);
  }

  private boolean mayBePlain(Exchange exchange) {
    // a proxy on this machine is a loopback peer, but those whom it speaks for are not
    return plainHttp == PlainHttp.ALLOW
        || (loopbackExempt
            && IpAddresses.unmapped(exchange.request().peer()).isLoopbackAddress()
            && exchange.clientAddress().isLoopbackAddress());
  }

  private Refusal plain(GuardRequest request) {
    if (carriesCredential(request)) {
      return CREDENTIAL_EXPOSED;
    }
    String authority = request.authority();
    String name = authority == null ? null : HostRules.nameOf(authority);
    boolean safe =
        switch (request.method()) {
          case "GET", "HEAD", "OPTIONS" -> request.rawPath().startsWith("/");
          default -> false;
        };
    if (plainHttp != PlainHttp.REDIRECT || !safe || name == null) {
      return TLS_REQUIRED;
    }
    String query = request.rawQuery();
    String host = name.indexOf(':') < 0 ? name : "[" + name + "]";
    return Refusal.of(308, "tls-redirect", "this server takes calls over HTTPS only")
        .with(
            "Location",
            "https://"
                + host
                + (redirectPort == 443 ? "" : ":" + redirectPort)
                + request.rawPath()
                + (query == null ? "" : "?" + query));
  }

  private static boolean carriesCredential(GuardRequest request) {
    Headers headers = request.headers();
    for (String field : CREDENTIAL_FIELDS) {
      if (headers.contains(field)) {
        return true;
      }
    }
    String query = request.rawQuery();
    if (query == null) {
      return false;
    }
    for (String parameter : query.toLowerCase(Locale.ROOT).split("&", -1)) {
      for (String name : CREDENTIAL_PARAMETERS) {
        if (parameter.startsWith(name + "=")) {
          return true;
        }
      }
    }
    return false;
  }

  /** Collects the rules. Not thread-safe. */
  public static final class Builder {
    private PlainHttp plainHttp = PlainHttp.REFUSE;
    private boolean loopbackExempt = true;
    private HostRules hosts = HostRules.any();
    private int redirectPort = 443;
    private Duration hstsMaxAge = Duration.ofDays(365);
    private boolean hstsSubDomains;

    private Builder() {}

    /** What becomes of plain HTTP; it is refused unless set. */
    public Builder plainHttp(PlainHttp value) {
      plainHttp = Objects.requireNonNull(value);
      return this;
    }

    /**
     * Whether plain HTTP is taken from this machine itself, peer and caller both; true unless set.
     */
    public Builder plainFromLoopback(boolean value) {
      loopbackExempt = value;
      return this;
    }

    /**
     * The names and addresses by which this server is called, without port; those of loopback pass
     * anyway. Unless set, every name passes.
     *
     * @throws IllegalArgumentException if one is no name or address
     */
    public Builder hosts(Collection<String> names) {
      hosts = HostRules.of(names);
      return this;
    }

    /** The port of the HTTPS listener, for redirects; 443 unless set. */
    public Builder redirectPort(int value) {
      if (value < 1 || value > 65535) {
        throw new IllegalArgumentException("a port is 1 to 65535, not " + value);
      }
      redirectPort = value;
      return this;
    }

    /**
     * For how long a browser shall come by HTTPS only; 365 days unless set, zero for no such field.
     */
    public Builder hsts(Duration maxAge, boolean includeSubDomains) {
      if (maxAge.isNegative()) {
        throw new IllegalArgumentException("HSTS max-age is not negative: " + maxAge);
      }
      hstsMaxAge = maxAge;
      hstsSubDomains = includeSubDomains;
      return this;
    }

    /**
     * The stage.
     *
     * @throws IllegalStateException if it redirects, but to any name that a caller writes: name the
     *     {@link #hosts}
     */
    public TransportStage build() {
      if (plainHttp == PlainHttp.REDIRECT && hosts.takesAny()) {
        throw new IllegalStateException(
            "redirecting to HTTPS needs the names of this server: set hosts");
      }
      return new TransportStage(this);
    }
  }
}
