package io.llmguard.examples.gateway.server;

import io.llmguard.auth.Authenticator;
import io.llmguard.auth.Caller;
import io.llmguard.auth.CertificateRule;
import io.llmguard.auth.ClientCertificateAuthenticator;
import io.llmguard.auth.JwtAuthenticator;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.ClientCertificates;
import io.llmguard.examples.gateway.config.GatewayConfig.JwtIssuer;
import io.llmguard.network.CidrSet;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import java.net.URI;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** Makes the configured authenticators beside that of API keys. */
final class Credentials {
  private Credentials() {}

  static Authenticator jwt(JwtIssuer issuer) {
    JwtAuthenticator.Builder builder =
        JwtAuthenticator.builder(issuer.issuer()).jwks(URI.create(issuer.jwksUrl()));
    issuer.audiences().forEach(builder::audience);
    if (issuer.scopesClaim() != null) {
      builder.scopesClaim(issuer.scopesClaim());
    }
    if (issuer.modelsClaim() != null) {
      builder.modelsClaim(issuer.modelsClaim());
    }
    try {
      return builder.algorithms(issuer.algorithms()).build();
    } catch (IllegalArgumentException e) {
      throw new Main.UserError("llmguard.jwt: " + e.getMessage(), e);
    }
  }

  static Authenticator certificates(ClientCertificates settings, CidrSet trustedProxies) {
    ClientCertificateAuthenticator.Builder builder = ClientCertificateAuthenticator.builder();
    try {
      for (GatewayConfig.CertificateRule rule : settings.rules()) {
        builder.rule(rule(rule));
      }
      switch (settings.source()) {
        case CONNECTION -> {
          // the container's own chain is always looked at
        }
        case CLIENT_CERT -> builder.clientCertFrom(trustedProxies);
        case NGINX -> builder.nginxCertFrom(trustedProxies);
      }
      return builder.build();
    } catch (IllegalArgumentException e) {
      throw new Main.UserError("llmguard.client_certificates: " + e.getMessage(), e);
    }
  }

  private static CertificateRule rule(GatewayConfig.CertificateRule rule) {
    Caller.Builder builder =
        Caller.builder(Caller.Kind.CERTIFICATE, "cert:" + rule.caller()).name(rule.caller());
    if (!rule.scopes().isEmpty()) {
      builder.scopes(scopes(rule.scopes()));
    }
    if (!rule.models().isEmpty()) {
      builder.models(ModelAccess.of(rule.models()));
    }
    Caller caller = builder.build();
    if (rule.sha256() != null) {
      return CertificateRule.fingerprint(rule.sha256(), caller);
    }
    if (rule.subject() != null) {
      return CertificateRule.subject(rule.subject(), caller);
    }
    String san = String.valueOf(rule.san());
    if (san.indexOf(':') >= 0) {
      return CertificateRule.uri(san, caller);
    }
    return san.indexOf('@') >= 0
        ? CertificateRule.email(san, caller)
        : CertificateRule.dnsName(san, caller);
  }

  private static Set<Scope> scopes(List<String> words) {
    Set<Scope> scopes = EnumSet.noneOf(Scope.class);
    for (String word : words) {
      Scope scope = Scope.of(word);
      if (scope == null) {
        throw new IllegalArgumentException("there is no scope " + word);
      }
      scopes.add(scope);
    }
    return scopes;
  }
}
