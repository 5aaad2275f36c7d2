package io.llmguard.examples.gateway.server;

import static io.llmguard.examples.gateway.server.RunningGateway.CHAT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.GatewayConfig.ClientAuth;
import io.llmguard.examples.gateway.config.GatewayConfig.Tls;
import io.llmguard.examples.gateway.tls.ServerTls;
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
import java.time.Instant;
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
  void renewedFilesAreTakenAndBrokenOnesAreNot() throws Exception {
    Tls settings =
        new Tls(
            authority.certificatePem("server"),
            authority.keyPem("server"),
            null,
            null,
            ClientAuth.NONE);
    ServerTls tls = ServerTls.load(settings);
    assertThat(tls.reloadIfChanged()).isFalse();
    authority.issue("renewed", "CN=localhost,OU=renewed");
    replace(authority.certificatePem("renewed"), settings.certificate(), 1);
    replace(authority.keyPem("renewed"), settings.key(), 1);
    assertThat(tls.reloadIfChanged()).isTrue();
    Files.writeString(settings.certificate(), "half a");
    Files.setLastModifiedTime(settings.certificate(), FileTime.from(Instant.now().plusSeconds(20)));
    assertThat(tls.reloadIfChanged()).isFalse();
  }

  private static void replace(Path from, Path to, int laterSeconds) throws IOException {
    Files.write(to, Files.readAllBytes(from));
    Files.setLastModifiedTime(to, FileTime.from(Instant.now().plusSeconds(laterSeconds)));
  }
}
