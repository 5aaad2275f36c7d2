package io.llmguard.auth;

import static io.llmguard.auth.Verdicts.admitted;
import static io.llmguard.auth.Verdicts.caller;
import static io.llmguard.auth.Verdicts.guard;
import static io.llmguard.auth.Verdicts.refused;
import static io.llmguard.auth.Verdicts.status;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Guard;
import io.llmguard.Refusal;
import io.llmguard.key.IssuedKey;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyHash;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.network.CidrSet;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.cert.CertificateEncodingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClientCertificateAuthenticatorTest {
  private static final String PROXY = "10.0.0.1";
  private static final CidrSet PROXIES = CidrSet.of("10.0.0.1/32");
  private static final String NAMES =
      "dns:App.example.org,uri:spiffe://example.org/app,email:app@example.org";

  @TempDir private static Path directory;
  private static X509Certificate app;
  private static X509Certificate proxy;
  private static X509Certificate expired;
  private static X509Certificate future;

  private final ManualTime time = new ManualTime();
  private final Caller known = Caller.builder(Caller.Kind.CERTIFICATE, "cert:app").build();
  private final Caller proxyCaller = Caller.builder(Caller.Kind.CERTIFICATE, "cert:proxy").build();

  @BeforeAll
  static void makeCertificates() throws Exception {
    String subject = "CN=app,OU=LLM,O=Example";
    app = TestCertificates.make(directory, subject, NAMES, "2025/12/01 00:00:00", 365);
    proxy = TestCertificates.make(directory, "CN=proxy", "", "2025/12/01 00:00:00", 365);
    expired = TestCertificates.make(directory, subject, NAMES, "2025/11/01 00:00:00", 30);
    future = TestCertificates.make(directory, subject, NAMES, "2026/02/01 00:00:00", 30);
  }

  private ClientCertificateAuthenticator.Builder builder() {
    return ClientCertificateAuthenticator.builder()
        .time(time)
        .rule(CertificateRule.subject("CN=app, OU=LLM, O=Example", known))
        .rule(CertificateRule.subject("CN=proxy", proxyCaller));
  }

  private Guard guarded(UnaryOperator<ClientCertificateAuthenticator.Builder> options) {
    return guard(time, options.apply(builder()).build());
  }

  private Guard byRule(CertificateRule rule) {
    return guard(time, ClientCertificateAuthenticator.builder().time(time).rule(rule).build());
  }

  private static TestRequest chat() {
    return TestRequest.post("/api/chat", "{}");
  }

  private static String der(X509Certificate certificate) {
    try {
      return Base64.getEncoder().encodeToString(certificate.getEncoded());
    } catch (CertificateEncodingException e) {
      throw new AssertionError(e);
    }
  }

  private static String clientCert(X509Certificate certificate) {
    return ":" + der(certificate) + ":";
  }

  /** As nginx escapes it: everything but unreserved characters. */
  private static String escaped(X509Certificate certificate) {
    String pem =
        "-----BEGIN CERTIFICATE-----\n"
            + der(certificate).replaceAll("(.{64})", "$1\n")
            + "\n-----END CERTIFICATE-----\n";
    return URLEncoder.encode(pem, StandardCharsets.UTF_8).replace("+", "%20");
  }

  private static TestRequest nginx(X509Certificate certificate, String verdict) {
    return chat()
        .peer(PROXY)
        .header("X-SSL-Client-Cert", escaped(certificate))
        .header("X-SSL-Client-Verify", verdict);
  }

  // ---- the connection's own certificate

  @Test
  void aCertificateThatTheContainerVerifiedIsKnownByARule() throws Exception {
    Guard guard = guarded(b -> b);
    TestRequest request = chat().certificates(List.of(app));
    assertThat(caller(guard, request)).isEqualTo(known);
    assertThat(admitted(guard, request).credentialHash())
        .isEqualTo(KeyHash.of(app.getEncoded()).hex());
  }

  @Test
  void eachKindOfRuleKnowsItsOwn() throws Exception {
    String hex = KeyHash.of(app.getEncoded()).hex();
    for (CertificateRule rule :
        List.of(
            CertificateRule.dnsName("app.EXAMPLE.org", known),
            CertificateRule.uri("spiffe://example.org/app", known),
            CertificateRule.email("app@example.org", known),
            CertificateRule.fingerprint(hex, known),
            CertificateRule.fingerprint(hex.toUpperCase(java.util.Locale.ROOT), known),
            CertificateRule.fingerprint(hex.replaceAll("(..)(?!$)", "$1:"), known))) {
      assertThat(caller(byRule(rule), chat().certificates(List.of(app)))).isEqualTo(known);
      assertThat(status(byRule(rule), chat().certificates(List.of(proxy)))).isEqualTo(401);
    }
    for (CertificateRule rule :
        List.of(
            CertificateRule.subject("CN=app", known),
            CertificateRule.subject("CN=app,OU=LLM,O=Example,C=DE", known),
            CertificateRule.dnsName("example.org", known),
            CertificateRule.dnsName("*.example.org", known),
            CertificateRule.dnsName("spiffe://example.org/app", known),
            CertificateRule.uri("spiffe://example.org/", known),
            CertificateRule.email("APP@example.org", known),
            CertificateRule.fingerprint("00".repeat(32), known))) {
      assertThat(status(byRule(rule), chat().certificates(List.of(app)))).isEqualTo(401);
    }
  }

  @Test
  void aSubjectIsComparedByItsAttributesAndNotAsText() throws Exception {
    X509Certificate tricky =
        TestCertificates.make(
            directory, "CN=\"app,OU=LLM,O=Example\"", "", "2025/12/01 00:00:00", 365);
    assertThat(status(guarded(b -> b), chat().certificates(List.of(tricky)))).isEqualTo(401);
  }

  @Test
  void datesOfTheWholeChainAreChecked() {
    Guard guard = guarded(b -> b);
    assertThat(status(guard, chat().certificates(List.of(expired)))).isEqualTo(401);
    assertThat(status(guard, chat().certificates(List.of(future)))).isEqualTo(401);
    assertThat(status(guard, chat().certificates(List.of(app, expired)))).isEqualTo(401);
    time.advance(Duration.ofDays(365));
    assertThat(status(guard, chat().certificates(List.of(app)))).isEqualTo(401);
  }

  @Test
  void noCertificateIsAbsentAndAbsentIsRefused() {
    Refusal refusal = refused(guarded(b -> b), chat());
    assertThat(refusal.status()).isEqualTo(401);
    assertThat(refusal.reason()).isEqualTo("no-credential");
  }

  // ---- with a key beside it

  @Test
  void aCertificateDoesNotMakeUpForABadKey() {
    MemoryKeyStore store = new MemoryKeyStore();
    IssuedKey issued = new KeyIssuer(store, time).issue("k", UnaryOperator.identity());
    try (KeyDirectory keys = KeyDirectory.builder(store).refreshEvery(Duration.ofDays(1)).open()) {
      ApiKeyAuthenticator byKey = ApiKeyAuthenticator.builder().keys(keys).time(time).build();
      // whichever is asked first
      for (Guard guard :
          List.of(guard(time, builder().build(), byKey), guard(time, byKey, builder().build()))) {
        assertThat(status(guard, chat().certificates(List.of(app)).bearer("wrong"))).isEqualTo(401);
        assertThat(status(guard, chat().certificates(List.of(app)).header("X-Api-Key", "sk-x")))
            .isEqualTo(401);
        assertThat(
                caller(guard, chat().certificates(List.of(app)).bearer(issued.key().reveal()))
                    .keyId())
            .isEqualTo(issued.record().id());
        assertThat(caller(guard, chat().certificates(List.of(app)))).isEqualTo(known);
      }
    }
  }

  // ---- certificates in header fields

  @Test
  void aTrustedProxyHandsOverACertificateByRfc9440() {
    Guard guard = guarded(b -> b.clientCertFrom(PROXIES));
    assertThat(caller(guard, chat().peer(PROXY).header("Client-Cert", clientCert(app))))
        .isEqualTo(known);
    assertThat(status(guard, chat().peer(PROXY).header("Client-Cert", clientCert(expired))))
        .isEqualTo(401);
  }

  @Test
  void aTrustedNginxHandsOverACertificate() {
    Guard guard = guarded(b -> b.nginxCertFrom(PROXIES));
    assertThat(caller(guard, nginx(app, "SUCCESS"))).isEqualTo(known);
    for (String verdict : List.of("FAILED:self signed certificate", "NONE", "", "success")) {
      assertThat(status(guard, nginx(app, verdict))).as(verdict).isEqualTo(401);
    }
    assertThat(status(guard, chat().peer(PROXY).header("X-SSL-Client-Cert", escaped(app))))
        .isEqualTo(401);
    assertThat(
            refused(
                    guard,
                    chat()
                        .peer(PROXY)
                        .header("X-SSL-Client-Cert", "")
                        .header("X-SSL-Client-Verify", "NONE"))
                .reason())
        .isEqualTo("no-credential");
    assertThat(
            refused(guard, chat().peer(PROXY).header("X-SSL-Client-Verify", "FAILED:expired"))
                .reason())
        .isEqualTo("invalid-credential");
  }

  @Test
  void suchAFieldFromAnybodyElseIsAbsent() {
    Guard rfc = guarded(b -> b.clientCertFrom(PROXIES));
    Guard nginx = guarded(b -> b.nginxCertFrom(PROXIES));
    Guard none = guarded(b -> b);
    for (String peer : List.of("10.0.0.2", "127.0.0.1", "::1")) {
      TestRequest byRfc = chat().peer(peer).header("Client-Cert", clientCert(app));
      assertThat(refused(rfc, byRfc).reason()).isEqualTo("no-credential");
      assertThat(refused(none, byRfc).reason()).isEqualTo("no-credential");
      assertThat(refused(nginx, nginx(app, "SUCCESS").peer(peer)).reason())
          .isEqualTo("no-credential");
    }
    // what a client says about its address does not make it a proxy
    assertThat(
            status(
                rfc,
                chat()
                    .peer("10.0.0.2")
                    .header("X-Forwarded-For", PROXY)
                    .header("Forwarded", "for=" + PROXY)
                    .header("Client-Cert", clientCert(app))))
        .isEqualTo(401);
  }

  @Test
  void aFormThatIsNotSwitchedOnIsAbsentEvenFromTheProxy() {
    // the proxy lets a client's own field of the other form through
    assertThat(
            refused(
                    guarded(b -> b.nginxCertFrom(PROXIES)),
                    chat().peer(PROXY).header("Client-Cert", clientCert(app)))
                .reason())
        .isEqualTo("no-credential");
    assertThat(refused(guarded(b -> b.clientCertFrom(PROXIES)), nginx(app, "SUCCESS")).reason())
        .isEqualTo("no-credential");
    assertThatThrownBy(() -> builder().clientCertFrom(PROXIES).nginxCertFrom(PROXIES))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theProxysOwnCertificateIsNotItsClients() {
    Guard guard = guarded(b -> b.clientCertFrom(PROXIES));
    assertThat(status(guard, chat().peer(PROXY).certificates(List.of(proxy)))).isEqualTo(401);
    assertThat(
            caller(
                guard,
                chat()
                    .peer(PROXY)
                    .certificates(List.of(proxy))
                    .header("Client-Cert", clientCert(app))))
        .isEqualTo(known);
    // one that comes to us directly is known by its own
    assertThat(caller(guard, chat().peer("10.0.0.2").certificates(List.of(app)))).isEqualTo(known);
  }

  @Test
  void aFieldThatCannotBeReadOrComesTwiceIsRefused() {
    Guard guard = guarded(b -> b.clientCertFrom(PROXIES));
    for (String value :
        List.of(
            "",
            ":",
            "::",
            der(app),
            ":" + der(app),
            ":" + der(app) + ":;x=1",
            ":!" + der(app) + ":",
            ":" + der(app).substring(0, 100) + ":",
            ":" + der(app) + der(app) + ":",
            ":AAAA:",
            ":" + "A".repeat(40_000) + ":",
            clientCert(app) + ", " + clientCert(app))) {
      Refusal refusal = refused(guard, chat().peer(PROXY).header("Client-Cert", value));
      assertThat(refusal.status()).as(value).isEqualTo(400);
      assertThat(refusal.reason()).isEqualTo("malformed-client-certificate");
    }
    assertThat(
            status(
                guard,
                chat()
                    .peer(PROXY)
                    .header("Client-Cert", clientCert(app))
                    .header("client-cert", clientCert(proxy))))
        .isEqualTo(400);
    Guard byNginx = guarded(b -> b.nginxCertFrom(PROXIES));
    assertThat(status(byNginx, nginx(app, "SUCCESS").header("X-SSL-Client-Cert", escaped(proxy))))
        .isEqualTo(400);
    assertThat(status(byNginx, nginx(app, "FAILED").header("X-SSL-Client-Verify", "SUCCESS")))
        .isEqualTo(400);
    assertThat(
            status(
                byNginx,
                chat()
                    .peer(PROXY)
                    .header("X-SSL-Client-Cert", escaped(app) + escaped(proxy))
                    .header("X-SSL-Client-Verify", "SUCCESS")))
        .isEqualTo(400);
  }

  @Test
  void settingsThatLetNobodyOrEverybodyInAreRefused() {
    assertThatThrownBy(() -> ClientCertificateAuthenticator.builder().build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("rule");
    assertThatThrownBy(() -> builder().clientCertFrom(CidrSet.NONE).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("proxies");
  }
}
