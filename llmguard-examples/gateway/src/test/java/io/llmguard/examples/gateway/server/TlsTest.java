package io.llmguard.examples.gateway.server;

import static io.llmguard.examples.gateway.server.RunningGateway.CHAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.tls.TestAuthority;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.cert.Certificate;
import java.time.Instant;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsTest {
  @TempDir private Path folder = Path.of("");

  private TestAuthority authority;

  TlsTest() {}

  @BeforeEach
  void issueCertificates() throws Exception {
    authority = new TestAuthority(folder);
    authority.issue("server", "CN=localhost");
    authority.issue("client", "CN=app,O=Example");
  }

  private String tls(String more) {
    return "tls:\n  certificate: "
        + authority.certificatePem("server")
        + "\n  key: "
        + authority.keyPem("server")
        + "\n"
        + more;
  }

  private HttpResponse<String> chat(RunningGateway gateway, String client, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(gateway.url() + "/api/chat"))
            .POST(BodyPublishers.ofString(CHAT));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return HttpClient.newBuilder()
        .sslContext(authority.client(client))
        .build()
        .send(request.build(), BodyHandlers.ofString());
  }

  @Test
  void theListenerEndsTls() throws Exception {
    try (RunningGateway gateway =
        RunningGateway.start(folder, RunningGateway.settings(tls("") + "hsts: 365d\n"))) {
      assertThat(gateway.url()).startsWith("https://");
      HttpResponse<String> answer = chat(gateway, "", "X-Api-Key", gateway.firstKey());
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.headers().firstValue("Strict-Transport-Security"))
          .hasValue("max-age=31536000");
      assertThat(chat(gateway, "").statusCode()).isEqualTo(401);
    }
  }

  @Test
  void aClientCertificateIsACredentialAndWithoutOneThereIsNoConnection() throws Exception {
    String settings =
        tls("  client_ca: " + authority.authorityPem() + "\n")
            + "client_certificates:\n"
            + "  rules:\n"
            + "    - {caller: app, subject: \"CN=app,O=Example\", scopes: [inference]}\n";
    try (RunningGateway gateway = RunningGateway.start(folder, RunningGateway.settings(settings))) {
      assertThat(chat(gateway, "client").statusCode()).isEqualTo(200);
      assertThatThrownBy(() -> chat(gateway, "")).isInstanceOf(IOException.class);
      // known to the authority, but to no rule
      assertThat(chat(gateway, "server").statusCode()).isEqualTo(401);
      gateway.stop();
      assertThat(new ObjectMapper().readTree(gateway.auditLines().get(0)).get("caller").asText())
          .isEqualTo("app");
    }
  }

  @Test
  void filesWithoutACertificateAreRefusedAtStart() throws Exception {
    Files.writeString(authority.certificatePem("server"), "nothing");
    assertThatThrownBy(() -> RunningGateway.start(folder, RunningGateway.settings(tls(""))))
        .isInstanceOf(Main.UserError.class)
        .hasMessageContaining("llmguard.tls");
  }

  @Test
  void renewedFilesAreShownToNewConnectionsAndBrokenOnesAreNot() throws Exception {
    authority.issue("renewed", "CN=localhost,OU=renewed");
    try (RunningGateway gateway = RunningGateway.start(folder, RunningGateway.settings(tls("")))) {
      assertThat(shown(gateway)).isEqualTo(authority.certificate("server"));
      assertThat(gateway.gateway().renewCertificates()).isFalse();
      // whoever renews writes one file after the other: the old key does not fit the new one
      replace("renewed", authority.certificatePem("server"), 1);
      assertThat(gateway.gateway().renewCertificates()).isFalse();
      assertThat(shown(gateway)).isEqualTo(authority.certificate("server"));
      replace("renewed", authority.keyPem("server"), 1);
      assertThat(gateway.gateway().renewCertificates()).isTrue();
      assertThat(shown(gateway)).isEqualTo(authority.certificate("renewed"));

      Files.writeString(authority.certificatePem("server"), "half a");
      later(authority.certificatePem("server"), 20);
      assertThat(gateway.gateway().renewCertificates()).isFalse();
      assertThat(shown(gateway)).isEqualTo(authority.certificate("renewed"));
    }
  }

  @Test
  void theKeyOfAnotherCertificateIsRefusedAtStart() throws Exception {
    replace("client", authority.keyPem("server"), 1);
    assertThatThrownBy(() -> RunningGateway.start(folder, RunningGateway.settings(tls(""))))
        .isInstanceOf(Main.UserError.class)
        .hasMessageContaining("llmguard.tls");
  }

  @Test
  void renewedAuthoritiesOfClientsAreTaken() throws Exception {
    Path other = Files.createDirectory(folder.resolve("other"));
    TestAuthority foreign = new TestAuthority(other);
    foreign.issue("client", "CN=app,O=Example");
    Path trusted = folder.resolve("clients.pem");
    Files.copy(authority.authorityPem(), trusted);
    String settings =
        tls("  client_ca: " + trusted + "\n")
            + "client_certificates:\n"
            + "  rules:\n"
            + "    - {caller: app, san: 127.0.0.1, scopes: [inference]}\n";
    try (RunningGateway gateway = RunningGateway.start(folder, RunningGateway.settings(settings))) {
      assertThat(chat(gateway, "client").statusCode()).isEqualTo(200);
      Files.write(trusted, Files.readAllBytes(foreign.authorityPem()));
      later(trusted, 1);
      assertThat(gateway.gateway().renewCertificates()).isTrue();
      assertThatThrownBy(() -> chat(gateway, "client")).isInstanceOf(IOException.class);
    }
  }

  /** The certificate that a new connection is shown. */
  private Certificate shown(RunningGateway gateway) throws Exception {
    int port = URI.create(gateway.url()).getPort();
    try (SSLSocket socket =
        (SSLSocket) authority.client("").getSocketFactory().createSocket("127.0.0.1", port)) {
      socket.startHandshake();
      return socket.getSession().getPeerCertificates()[0];
    }
  }

  private void replace(String alias, Path with, int laterSeconds) throws IOException {
    boolean key = with.toString().endsWith(".key");
    Path from = key ? authority.keyPem(alias) : authority.certificatePem(alias);
    Files.write(with, Files.readAllBytes(from));
    later(with, laterSeconds);
  }

  private static void later(Path file, int seconds) throws IOException {
    Files.setLastModifiedTime(file, FileTime.from(Instant.now().plusSeconds(seconds)));
  }
}
