package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.RSASSASigner;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import io.llmguard.auth.Caller;
import io.llmguard.auth.CertificateRule;
import io.llmguard.auth.ClientCertificateAuthenticator;
import io.llmguard.auth.JwtAuthenticator;
import io.llmguard.network.CidrSet;
import io.llmguard.network.TransportStage;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.TestAuthority;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.WebHandler;
import reactor.core.publisher.Mono;

/** Tokens and client certificates, each by its own filter, the certificates over TLS. */
@Tag("server")
class CredentialFiltersTest extends ChainTestBase {
  private static final String SUBJECT = "CN=app,O=Example";
  private static final WebHandler WHO =
      exchange ->
          exchange
              .getPrincipal()
              .flatMap(principal -> answer(exchange, principal.getName()))
              .switchIfEmpty(Mono.defer(() -> nobody(exchange)));

  @TempDir private Path folder = Path.of("");

  private static Mono<Void> nobody(ServerWebExchange exchange) {
    return exchange.getResponse().isCommitted() ? Mono.empty() : answer(exchange, "nobody");
  }

  private static String get(RawHttp client, String... headers) throws Exception {
    client.get("/", headers);
    int status = client.readHead().status();
    String text = client.readText();
    return status == 200 ? text : Integer.toString(status);
  }

  @Test
  void aTokenLetsItsHolderIn() throws Exception {
    RSAKey signer = new RSAKeyGenerator(2048).keyID("k1").generate();
    try (JwtAuthenticator authenticator =
        JwtAuthenticator.builder("https://id.example")
            .audience("llm")
            .jwks(new JWKSet(signer.toPublicJWK()).toString())
            .build()) {
      start(WHO, new JwtWebFilter(authenticator));
      try (RawHttp client = connect()) {
        assertThat(get(client, "Authorization: Bearer " + token(signer, "llm"))).isEqualTo("ada");
        assertThat(get(client, "Authorization: Bearer " + token(signer, "else"))).isEqualTo("401");
        assertThat(get(client)).isEqualTo("401");
      }
    }
  }

  private static String token(RSAKey signer, String audience) throws Exception {
    SignedJWT token =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.RS256).keyID(signer.getKeyID()).build(),
            new JWTClaimsSet.Builder()
                .issuer("https://id.example")
                .subject("ada")
                .claim("name", "ada")
                .audience(audience)
                .expirationTime(Date.from(Instant.now().plusSeconds(60)))
                .build());
    token.sign(new RSASSASigner(signer));
    return token.serialize();
  }

  private TestAuthority authority() throws Exception {
    return new TestAuthority(folder)
        .issue("server", "CN=localhost")
        .issue("app", SUBJECT)
        .issue("stranger", "CN=stranger,O=Example");
  }

  private static ClientCertificateAuthenticator.Builder app() {
    return ClientCertificateAuthenticator.builder()
        .rule(
            CertificateRule.subject(
                SUBJECT, Caller.builder(Caller.Kind.CERTIFICATE, "cert:app").name("app").build()));
  }

  private static RawHttp connect(NettyServer server, SSLContext tls) throws Exception {
    return RawHttp.over(
        tls.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), server.port()));
  }

  @Test
  void theCertificateThatTheServerHasVerifiedLetsItsHolderIn() throws Exception {
    TestAuthority authority = authority();
    try (NettyServer server =
        NettyServer.startTls(authority, WHO, new ClientCertificateWebFilter(app().build()))) {
      try (RawHttp client = connect(server, authority.context("app"))) {
        assertThat(get(client)).isEqualTo("app");
        // a certificate does not make up for a bad key
        assertThat(get(client, "X-Api-Key: sk-wrong")).isEqualTo("401");
      }
      try (RawHttp client = connect(server, authority.context("stranger"))) {
        assertThat(get(client)).isEqualTo("401");
      }
      try (RawHttp client = connect(server, authority.context(""))) {
        assertThat(get(client)).isEqualTo("401");
        // nobody here takes a certificate's word from a header
        assertThat(get(client, clientCert(authority))).isEqualTo("401");
      }
      HttpResponse<String> http2 = http2(server, authority.context("app"));
      assertThat(http2.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(http2.body()).isEqualTo("app");
      assertThat(http2(server, authority.context("")).statusCode()).isEqualTo(401);
    }
  }

  private static HttpResponse<String> http2(NettyServer server, SSLContext tls) throws Exception {
    HttpClient client =
        HttpClient.newBuilder().sslContext(tls).version(HttpClient.Version.HTTP_2).build();
    return client.send(
        HttpRequest.newBuilder(URI.create("https://127.0.0.1:" + server.port() + "/")).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static String clientCert(TestAuthority authority) throws Exception {
    return "Client-Cert: :"
        + Base64.getEncoder().encodeToString(authority.certificate("app").getEncoded())
        + ":";
  }

  @Test
  void aCertificateThatATrustedProxyHasVerifiedLetsItsHolderIn() throws Exception {
    TestAuthority authority = new TestAuthority(folder).issue("app", SUBJECT);
    start(WHO, new ClientCertificateWebFilter(app().clientCertFrom(CidrSet.LOOPBACK).build()));
    try (RawHttp client = connect()) {
      assertThat(get(client, clientCert(authority))).isEqualTo("app");
      assertThat(get(client)).isEqualTo("401");
      assertThat(get(client, "Client-Cert: nonsense")).isEqualTo("400");
    }
  }

  @Test
  void aConnectionUnderTlsIsKnownAsOne() throws Exception {
    TestAuthority authority = new TestAuthority(folder).issue("server", "CN=localhost");
    TransportWebFilter filter =
        new TransportWebFilter(TransportStage.builder().hosts(List.of("localhost")).build());
    try (NettyServer server =
            NettyServer.startTls(authority, exchange -> answer(exchange, "x"), filter);
        RawHttp client = connect(server, authority.context(""))) {
      client.get("/");
      RawHttp.Head head = client.readHead();
      assertThat(head.status()).isEqualTo(200);
      // said over TLS only
      assertThat(head.header("Strict-Transport-Security")).isPresent();
    }
    start(exchange -> answer(exchange, "x"), filter);
    try (RawHttp client = connect()) {
      client.get("/");
      assertThat(client.readHead().header("Strict-Transport-Security")).isEmpty();
    }
  }
}
