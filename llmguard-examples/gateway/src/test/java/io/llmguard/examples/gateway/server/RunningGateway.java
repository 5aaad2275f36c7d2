package io.llmguard.examples.gateway.server;

import io.llmguard.examples.gateway.config.ConfigReader;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.demo.DemoUpstream;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A gateway on a free port in front of recorded answers, and a client of it. */
public final class RunningGateway implements AutoCloseable {
  static final String CHAT =
      "{\"model\":\"gemma3:270m\",\"messages\":[{\"role\":\"user\",\"content\":\"Tell me a fact\"}]}";

  private final DemoUpstream upstream;
  private final Gateway gateway;
  private final HttpClient client = HttpClient.newHttpClient();
  private final Path data;
  private final List<String> warnings;

  private RunningGateway(DemoUpstream upstream, Gateway gateway, Path data, List<String> warnings) {
    this.upstream = upstream;
    this.gateway = gateway;
    this.data = data;
    this.warnings = List.copyOf(warnings);
  }

  /**
   * Starts one from a configuration file; in it {@code ${UPSTREAM}} is the upstream's URL and
   * {@code ${DATA}} the data directory.
   */
  public static RunningGateway start(Path folder, String yaml) throws IOException {
    return start(folder, yaml, Map.of());
  }

  /** Starts one that finds these variables in its environment as well. */
  static RunningGateway start(Path folder, String yaml, Map<String, String> variables)
      throws IOException {
    DemoUpstream upstream = DemoUpstream.start(Duration.ZERO);
    Path data = folder.resolve("data");
    Path file = folder.resolve("config.yaml");
    Files.writeString(file, yaml);
    Map<String, String> environment = new HashMap<>(variables);
    environment.put("UPSTREAM", upstream.url());
    environment.put("DATA", data.toString());
    try {
      GatewayConfig config = ConfigReader.read(file, environment::get);
      return new RunningGateway(upstream, Gateway.start(config, false), data, config.warnings());
    } catch (RuntimeException e) {
      upstream.close();
      throw e;
    }
  }

  /** One with the guide's limits, and no file but for where things are. */
  public static RunningGateway start(Path folder) throws IOException {
    return start(folder, settings(""));
  }

  /** Settings under {@code llmguard:}, one a line, beside where things are. */
  public static String settings(String more) {
    return "llmguard:\n  listen: 127.0.0.1:0\n  data_dir: ${DATA}\n  upstream: ${UPSTREAM}\n"
        + more.indent(2);
  }

  public String url() {
    return gateway.url();
  }

  public String upstreamUrl() {
    return upstream.url();
  }

  /** What the configuration was warned about. */
  List<String> warnings() {
    return warnings;
  }

  String adminUrl() {
    return gateway.adminUrl();
  }

  public Path data() {
    return data;
  }

  Path auditFile() {
    return gateway.auditFile();
  }

  List<String> auditLines() throws IOException {
    return Files.readAllLines(gateway.auditFile());
  }

  /** The first key, from the file that holds it where nobody reads the terminal. */
  public String firstKey() throws IOException {
    return Files.readString(data.resolve("first-key.txt")).strip();
  }

  HttpResponse<String> get(String path, String... headers) throws Exception {
    return send(HttpRequest.newBuilder(URI.create(url() + path)), headers);
  }

  HttpResponse<String> post(String path, String body, String... headers) throws Exception {
    return send(
        HttpRequest.newBuilder(URI.create(url() + path)).POST(BodyPublishers.ofString(body)),
        headers);
  }

  HttpResponse<String> send(HttpRequest.Builder request, String... headers) throws Exception {
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(request.build(), BodyHandlers.ofString());
  }

  /** Stops it, so that every line of the trail is written; once is enough. */
  void stop() {
    gateway.close();
    upstream.close();
  }

  @Override
  public void close() {
    stop();
  }
}
