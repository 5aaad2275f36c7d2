package io.llmguard.examples.gateway.server;

import static io.llmguard.examples.gateway.server.RunningGateway.CHAT;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.testkit.Needs;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A real nginx that asks the gateway by {@code auth_request}, as the hardening guide has it. */
class NginxTest {
  private static final String GUIDE =
      """
      daemon off;
      worker_processes 1;
      pid PREFIX/nginx.pid;
      error_log PREFIX/error.log;
      events { worker_connections 64; }
      http {
        access_log off;
        client_body_temp_path PREFIX/body;
        proxy_temp_path PREFIX/proxy;
        fastcgi_temp_path PREFIX/fastcgi;
        uwsgi_temp_path PREFIX/uwsgi;
        scgi_temp_path PREFIX/scgi;
        server {
          listen 127.0.0.1:PORT;
          location / {
            auth_request /validate-key;
            auth_request_set $llmguard_status $upstream_http_x_llmguard_status;
            add_header X-Seen-Status $llmguard_status always;
            proxy_pass UPSTREAM;
            proxy_buffering off;
          }
          location = /validate-key {
            internal;
            proxy_pass GATEWAY/validate;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
            ORIGINAL
          }
        }
      }
      """;
  @TempDir private Path folder = Path.of("");

  private interface Body {
    void run(String url) throws Exception;
  }

  private void withNginx(RunningGateway gateway, String original, Body body) throws Exception {
    Path nginx = Needs.program("nginx");
    for (int attempt = 0; ; attempt++) {
      int port = freePort();
      Path prefix = Files.createDirectory(folder.resolve("nginx" + attempt));
      Path config = prefix.resolve("nginx.conf");
      Files.writeString(
          config,
          GUIDE
              .replace("PREFIX", prefix.toString())
              .replace("PORT", Integer.toString(port))
              .replace("UPSTREAM", gateway.upstreamUrl())
              .replace("GATEWAY", gateway.url())
              .replace("ORIGINAL", original));
      Process process =
          new ProcessBuilder(
                  nginx.toString(),
                  "-p",
                  prefix.toString(),
                  "-c",
                  config.toString(),
                  "-e",
                  prefix.resolve("error.log").toString())
              .redirectErrorStream(true)
              .redirectOutput(prefix.resolve("out.log").toFile())
              .start();
      try {
        if (!listens(process, port)) {
          // somebody else took the port in between: another one
          assertThat(attempt).as(Files.readString(prefix.resolve("out.log"))).isLessThan(3);
          continue;
        }
        body.run("http://127.0.0.1:" + port);
        return;
      } finally {
        process.destroy();
        process.waitFor(10, TimeUnit.SECONDS);
      }
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  /** True once it listens; false if it has ended. */
  private static boolean listens(Process process, int port) throws Exception {
    while (process.isAlive()) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return socket.isConnected();
      } catch (IOException e) {
        process.waitFor(20, TimeUnit.MILLISECONDS);
      }
    }
    return false;
  }

  private static HttpResponse<String> chat(RunningGateway gateway, String url, String... headers)
      throws Exception {
    return gateway.send(
        HttpRequest.newBuilder(URI.create(url + "/api/chat")).POST(BodyPublishers.ofString(CHAT)),
        headers);
  }

  /** The fields that the README has nginx set and remove for its question. */
  private static String original() throws IOException {
    String readme = Files.readString(Path.of("../../README.md"));
    String block = readme.substring(readme.indexOf("location = /validate-key {"));
    String fields =
        block
            .substring(0, block.indexOf('}'))
            .lines()
            .filter(
                line ->
                    line.strip().startsWith("proxy_set_header X-") || line.contains(" Forwarded "))
            .collect(Collectors.joining("\n"));
    assertThat(fields).contains("X-Original-URI", "X-Original-Method", "X-Forwarded-For");
    return fields;
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aRightKeyIsLetInAndAWrongOneIsKeptOut(boolean named) throws Exception {
    String trusted = "trusted_proxies: [127.0.0.1]";
    String original = named ? original() : "";
    try (RunningGateway gateway =
        RunningGateway.start(folder, RunningGateway.settings(original.isEmpty() ? "" : trusted))) {
      String key = gateway.firstKey();
      withNginx(
          gateway,
          original,
          url -> {
            HttpResponse<String> right = chat(gateway, url, "X-Api-Key", key);
            assertThat(right.statusCode()).isEqualTo(200);
            assertThat(right.body()).contains("\"done\":true");
            assertThat(chat(gateway, url, "Authorization", "Bearer " + key).statusCode())
                .isEqualTo(200);
            HttpResponse<String> wrong = chat(gateway, url, "X-Api-Key", "sk-wrong");
            assertThat(wrong.statusCode()).isEqualTo(401);
            assertThat(wrong.body()).doesNotContain("\"done\":true");
            assertThat(chat(gateway, url).statusCode()).isEqualTo(401);
          });
    }
  }

  @Test
  void aLimitIs403WithTheRealStatusBeside() throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      String key = gateway.firstKey();
      withNginx(
          gateway,
          "",
          url -> {
            List<Integer> statuses = new ArrayList<>();
            HttpResponse<String> last = null;
            for (int i = 0; i < 7; i++) {
              last = chat(gateway, url, "X-Api-Key", key);
              statuses.add(last.statusCode());
            }
            assertThat(statuses).containsExactly(200, 200, 200, 200, 200, 200, 403);
            assertThat(last.headers().firstValue("X-Seen-Status")).hasValue("429");
          });
    }
  }

  @Test
  void whatTheKeyMayNotDoIsRefusedByPathAndMethodThatATrustedNginxNames() throws Exception {
    try (RunningGateway gateway =
        RunningGateway.start(folder, RunningGateway.settings("trusted_proxies: [127.0.0.1]"))) {
      String key = gateway.firstKey();
      withNginx(
          gateway,
          original(),
          url -> {
            for (String path : List.of("/api/pull", "/api/%70ull", "/slots")) {
              HttpResponse<String> refused =
                  gateway.send(
                      HttpRequest.newBuilder(URI.create(url + path))
                          .POST(BodyPublishers.ofString("{\"model\":\"x\"}")),
                      "X-Api-Key",
                      key);
              assertThat(refused.statusCode()).as(path).isEqualTo(403);
            }
          });
      gateway.stop();
      assertThat(gateway.auditLines())
          .filteredOn(line -> line.contains("\"status\""))
          .allSatisfy(
              line ->
                  assertThat(new ObjectMapper().readTree(line).get("path").asText())
                      .isNotEqualTo("/validate"));
    }
  }

  @Test
  void aClientThatNamesAnotherCallIsJudgedByItsOwn() throws Exception {
    String[] lies = {
      "X-Original-URI", "/api/version",
      "X-Original-Method", "GET",
      "X-Forwarded-Uri", "/api/version",
      "X-Forwarded-Method", "GET",
      "X-Forwarded-For", "198.51.100.7",
      "Forwarded", "for=198.51.100.7"
    };
    try (RunningGateway gateway =
        RunningGateway.start(folder, RunningGateway.settings("trusted_proxies: [127.0.0.1]"))) {
      String[] headers = Arrays.copyOf(lies, lies.length + 2);
      headers[lies.length] = "X-Api-Key";
      headers[lies.length + 1] = gateway.firstKey();
      withNginx(
          gateway,
          original(),
          url -> {
            assertThat(chat(gateway, url, headers).statusCode()).isEqualTo(200);
            HttpResponse<String> refused =
                gateway.send(
                    HttpRequest.newBuilder(URI.create(url + "/api/pull"))
                        .POST(BodyPublishers.ofString("{\"model\":\"x\"}")),
                    headers);
            assertThat(refused.statusCode()).isEqualTo(403);
          });
      gateway.stop();
      assertThat(gateway.auditLines())
          .filteredOn(line -> line.contains("\"status\""))
          .extracting(line -> new ObjectMapper().readTree(line))
          .extracting(
              line ->
                  String.join(
                      " ",
                      line.get("ip").asText(),
                      line.get("method").asText(),
                      line.get("path").asText()))
          .containsExactly("127.0.0.1 POST /api/chat", "127.0.0.1 POST /api/pull");
    }
  }
}
