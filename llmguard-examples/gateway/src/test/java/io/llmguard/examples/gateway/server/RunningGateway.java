package io.llmguard.examples.gateway.server;

import io.llmguard.examples.gateway.config.ConfigReader;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.demo.DemoUpstream;
import io.llmguard.testkit.ReplayUpstream;
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

  private final AutoCloseable upstream;
  private final String upstreamUrl;
  private final HttpClient client = HttpClient.newHttpClient();
  private final Path folder;
  private final Map<String, String> variables;
  private final List<String> warnings;
  private final Gateway gateway;

  private RunningGateway(
      AutoCloseable upstream, String upstreamUrl, Path folder, Map<String, String> variables)
      throws IOException {
    this.upstream = upstream;
    this.upstreamUrl = upstreamUrl;
    this.folder = folder;
    this.variables = Map.copyOf(variables);
    GatewayConfig config = read();
    warnings = config.warnings();
    gateway = Gateway.start(config, false);
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
    return start(folder, yaml, variables, upstream, upstream.url());
  }

  /** Starts one in front of this upstream, which is closed with it. */
  static RunningGateway start(Path folder, String yaml, ReplayUpstream upstream)
      throws IOException {
    return start(folder, yaml, Map.of(), upstream, upstream.uri().toString());
  }

  private static RunningGateway start(
      Path folder, String yaml, Map<String, String> variables, AutoCloseable upstream, String url)
      throws IOException {
    Files.writeString(folder.resolve("config.yaml"), yaml);
    try {
      return new RunningGateway(upstream, url, folder, variables);
    } catch (RuntimeException e) {
      close(upstream);
      throw e;
    }
  }

  /** The configuration file as it is now. */
  GatewayConfig read() {
    Map<String, String> environment = new HashMap<>(variables);
    environment.put("UPSTREAM", upstreamUrl);
    environment.put("DATA", data().toString());
    return ConfigReader.read(configFile(), environment::get);
  }

  Path configFile() {
    return folder.resolve("config.yaml");
  }

  /** Writes the configuration file anew and has the gateway take it. */
  void reload(String yaml) throws IOException {
    Files.writeString(configFile(), yaml);
    gateway.reload(read());
  }

  Gateway gateway() {
    return gateway;
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
    return upstreamUrl;
  }

  /** What the configuration was warned about. */
  List<String> warnings() {
    return warnings;
  }

  String adminUrl() {
    return gateway.adminUrl();
  }

  public Path data() {
    return folder.resolve("data");
  }

  Path auditFile() {
    return gateway.auditFile();
  }

  List<String> auditLines() throws IOException {
    return Files.readAllLines(gateway.auditFile());
  }

  /** The first key, from the file that holds it where nobody reads the terminal. */
  public String firstKey() throws IOException {
    return Files.readString(data().resolve("first-key.txt")).strip();
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
    close(upstream);
  }

  private static void close(AutoCloseable upstream) {
    try {
      upstream.close();
    } catch (Exception e) {
      throw new AssertionError("the upstream failed to close", e);
    }
  }

  @Override
  public void close() {
    stop();
  }
}
