package io.llmguard.auth;

import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.TimeSource;
import io.llmguard.key.KeyHash;
import io.llmguard.network.CidrSet;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * Knows callers by their client certificate.
 *
 * <p>The certificate is that of the connection, whose chain the container has verified; or, from a
 * trusted proxy and where it is switched on, the one in a header field, whose chain the proxy has
 * verified. The connection's own certificate is then the proxy's and says nothing about the caller.
 * Such a field from anybody else counts as absent, and so does a form that is not switched on: a
 * proxy must set, or remove, the one that is.
 *
 * <p>A call that also carries a credential in {@code Authorization} or its like is judged by that
 * one: a certificate does not make up for a bad key. Thread-safe; does not block.
 */
public final class ClientCertificateAuthenticator implements Authenticator {
  private static final CompletionStage<Authentication> ABSENT = done(new Authentication.Absent());
  private static final CompletionStage<Authentication> WRONG =
      done(new Authentication.Rejected(AuthenticationStage.NOT_ACCEPTED));
  private static final CompletionStage<Authentication> MALFORMED =
      done(
          new Authentication.Rejected(
              Refusal.of(
                  400,
                  "malformed-client-certificate",
                  "the proxy's field with the client certificate cannot be read, or came twice")));

  private final List<CertificateRule> rules;
  private final CidrSet proxies;
  private final @Nullable CertificateHeader header;
  private final TimeSource time;

  private ClientCertificateAuthenticator(Builder builder) {
    rules = List.copyOf(builder.rules);
    proxies = builder.proxies;
    header = builder.header;
    time = builder.time;
    if (rules.isEmpty()) {
      throw new IllegalArgumentException("no rule says who holds which certificate");
    }
    if (header != null && proxies.isEmpty()) {
      throw new IllegalArgumentException(
          "certificates in header fields need the addresses of the trusted proxies");
    }
  }

  /** A builder of an authenticator without rules. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public CompletionStage<Authentication> authenticate(Exchange exchange) {
    if (Credential.of(exchange) != null) {
      return ABSENT;
    }
    if (header != null && proxies.contains(exchange.request().peer())) {
      CertificateHeader.Found found = header.read(exchange.request().headers());
      if (found instanceof CertificateHeader.Found.Certificate shown) {
        return judge(exchange, List.of(shown.certificate()));
      }
      if (found instanceof CertificateHeader.Found.None) {
        return ABSENT;
      }
      return found instanceof CertificateHeader.Found.Malformed ? MALFORMED : WRONG;
    }
    List<X509Certificate> chain = exchange.request().clientCertificates();
    return chain.isEmpty() ? ABSENT : judge(exchange, chain);
  }

  private CompletionStage<Authentication> judge(Exchange exchange, List<X509Certificate> chain) {
    Date now = Date.from(time.now());
    X509Certificate leaf = chain.get(0);
    try {
      exchange.credentialHash(KeyHash.of(leaf.getEncoded()).hex());
      for (X509Certificate certificate : chain) {
        certificate.checkValidity(now);
      }
    } catch (CertificateException e) {
      return WRONG;
    }
    for (CertificateRule rule : rules) {
      Caller caller = rule.callerOf(leaf);
      if (caller != null) {
        return done(new Authentication.Authenticated(caller));
      }
    }
    return WRONG;
  }

  private static CompletionStage<Authentication> done(Authentication authentication) {
    return CompletableFuture.completedFuture(authentication);
  }

  /** Collects whose certificates are known. Not thread-safe. */
  public static final class Builder {
    private final List<CertificateRule> rules = new ArrayList<>();
    private CidrSet proxies = CidrSet.NONE;
    private @Nullable CertificateHeader header;
    private TimeSource time = TimeSource.system();

    private Builder() {}

    /** Adds a rule after those that are there; the first that knows a certificate decides. */
    public Builder rule(CertificateRule value) {
      rules.add(value);
      return this;
    }

    /** Reads {@code Client-Cert} (RFC 9440) where the connection comes from one of these. */
    public Builder clientCertFrom(CidrSet trustedProxies) {
      return from(CertificateHeader.RFC_9440, trustedProxies);
    }

    /**
     * Reads {@code X-SSL-Client-Cert} (nginx: {@code $ssl_client_escaped_cert}) with {@code
     * X-SSL-Client-Verify: SUCCESS} ({@code $ssl_client_verify}) where the connection comes from
     * one of these.
     */
    public Builder nginxCertFrom(CidrSet trustedProxies) {
      return from(CertificateHeader.NGINX, trustedProxies);
    }

    private Builder from(CertificateHeader form, CidrSet trustedProxies) {
      if (header != null && header != form) {
        // a proxy that sets one form lets a client's own field of the other form through
        throw new IllegalArgumentException("only one form of certificate field can be trusted");
      }
      header = form;
      proxies = trustedProxies;
      return this;
    }

    /** Where validity is measured; the machine's clock unless set. */
    public Builder time(TimeSource value) {
      time = value;
      return this;
    }

    /**
     * The authenticator.
     *
     * @throws IllegalArgumentException if there is no rule, or a field is read from nobody
     */
    public ClientCertificateAuthenticator build() {
      return new ClientCertificateAuthenticator(this);
    }
  }
}
