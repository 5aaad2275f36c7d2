package io.llmguard.assembly;

import io.llmguard.assembly.GuardSettings.CertificateRule;
import io.llmguard.assembly.GuardSettings.ClientCertificates;
import io.llmguard.assembly.GuardSettings.JwtIssuer;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.auth.Authenticator;
import io.llmguard.auth.Caller;
import io.llmguard.auth.ClientCertificateAuthenticator;
import io.llmguard.auth.CredentialHeaders;
import io.llmguard.auth.JwtAuthenticator;
import io.llmguard.network.CidrSet;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import java.net.URI;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/** Makes the configured authenticators. */
final class Credentials {
  /** Four numbers, or hexadecimal groups with at least two colons: no host name and no URI. */
  private static final Pattern ADDRESS =
      Pattern.compile("\\d+(\\.\\d+){3}|[0-9A-Fa-f]*:[0-9A-Fa-f]*:[0-9A-Fa-f:.]*");

  private Credentials() {}

  static AuthenticationStage stage(
      GuardSettings settings, CidrSet trustedProxies, GuardAssembly.Builder given) {
    AuthenticationStage.Builder stage =
        AuthenticationStage.builder().queryNamesKeysAt(given.keysInQuery);
    for (String header : settings.keyHeaders()) {
      if (header.equalsIgnoreCase(CredentialHeaders.X_GOOG_API_KEY)) {
        stage.readGoogleApiKey();
      } else if (header.equalsIgnoreCase(CredentialHeaders.API_KEY)) {
        stage.readAzureApiKey();
      } else {
        throw new SettingException(
            "key-headers", "only x-goog-api-key and api-key can be switched on, not " + header);
      }
    }
    int number = 0;
    for (JwtIssuer issuer : settings.jwt()) {
      stage.authenticator(jwt(issuer, "jwt[" + number++ + "]"));
    }
    given.authenticators.forEach(stage::authenticator);
    ApiKeyAuthenticator.Builder apiKeys =
        ApiKeyAuthenticator.builder().keys(given.keys).budgetZone(given.budgetZone);
    Secret masterKey = settings.masterKey();
    if (masterKey != null) {
      if (masterKey.value().isBlank()) {
        throw new SettingException("master-key", "must not be empty");
      }
      apiKeys.masterKey(masterKey.value());
    }
    stage.authenticator(apiKeys.build());
    ClientCertificates certificates = settings.clientCertificates();
    if (certificates != null) {
      stage.authenticator(certificates(certificates, trustedProxies));
    }
    return stage.build();
  }

  private static String required(String group, String name, String value) {
    if (value == null || value.isBlank()) {
      throw new SettingException(group + "." + name, "is missing");
    }
    return value;
  }

  private static Authenticator jwt(JwtIssuer issuer, String group) {
    String url = required(group, "jwks-url", issuer.jwksUrl());
    if (issuer.audience().isEmpty()) {
      throw new SettingException(
          group + ".audience", "is missing: tokens that are meant for others would be taken");
    }
    JwtAuthenticator.Builder builder =
        JwtAuthenticator.builder(required(group, "issuer", issuer.issuer()));
    issuer.audience().forEach(builder::audience);
    if (issuer.scopesClaim() != null) {
      builder.scopesClaim(issuer.scopesClaim());
    }
    if (issuer.modelsClaim() != null) {
      builder.modelsClaim(issuer.modelsClaim());
    }
    if (issuer.limitsClaim() != null) {
      builder.limitsClaim(issuer.limitsClaim());
    }
    issuer.types().forEach(builder::type);
    try {
      if (issuer.clockSkew() != null) {
        builder.clockSkew(issuer.clockSkew());
      }
      return builder.jwks(URI.create(url)).algorithms(issuer.algorithms()).build();
    } catch (IllegalArgumentException e) {
      throw new SettingException(group, String.valueOf(e.getMessage()), e);
    }
  }

  private static Authenticator certificates(ClientCertificates settings, CidrSet trustedProxies) {
    ClientCertificateAuthenticator.Builder builder = ClientCertificateAuthenticator.builder();
    if (settings.rules().isEmpty()) {
      throw new SettingException(
          "client-certificates.rules", "is missing: no certificate would be taken");
    }
    try {
      for (CertificateRule rule : settings.rules()) {
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
      throw new SettingException("client-certificates", String.valueOf(e.getMessage()), e);
    }
  }

  private static io.llmguard.auth.CertificateRule rule(CertificateRule rule) {
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
      return io.llmguard.auth.CertificateRule.fingerprint(rule.sha256(), caller);
    }
    if (rule.subject() != null) {
      return io.llmguard.auth.CertificateRule.subject(rule.subject(), caller);
    }
    String san = rule.san();
    if (san == null) {
      throw new IllegalArgumentException("a rule needs one of subject, san and sha256");
    }
    if (ADDRESS.matcher(san).matches()) {
      return io.llmguard.auth.CertificateRule.ipAddress(san, caller);
    }
    if (san.indexOf(':') >= 0) {
      return io.llmguard.auth.CertificateRule.uri(san, caller);
    }
    return san.indexOf('@') >= 0
        ? io.llmguard.auth.CertificateRule.email(san, caller)
        : io.llmguard.auth.CertificateRule.dnsName(san, caller);
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
