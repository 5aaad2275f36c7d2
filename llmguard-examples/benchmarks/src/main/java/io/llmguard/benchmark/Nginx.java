package io.llmguard.benchmark;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A real nginx with the hardening guide's design: two request limits (set so high that they never
 * bite), each call's key checked by {@code auth_request} at a service of its own, an access log,
 * answers passed on unbuffered.
 */
final class Nginx implements Subject {
  /** How nginx speaks to what is behind it. */
  enum Design {
    /** A bare {@code proxy_pass} to an address: HTTP/1.0, a connection for each request. */
    GUIDE("nginx", "127.0.0.1:%d", "127.0.0.1:%d", ""),
    /** What somebody who tunes nginx adds: named upstreams whose connections are kept alive. */
    TUNED(
        "nginx, tuned",
        "llm",
        "keys",
        """
        proxy_http_version 1.1;
            proxy_set_header Connection "";""");

    private final String title;
    private final String llm;
    private final String keys;
    private final String extra;

    Design(String title, String llm, String keys, String extra) {
      this.title = title;
      this.llm = llm;
      this.keys = keys;
      this.extra = extra;
    }

    String configuration(Path directory, int port, int upstreamPort, int validatorPort) {
      return CONFIGURATION.formatted(
          directory,
          port,
          upstreamPort,
          validatorPort,
          llm.formatted(upstreamPort),
          keys.formatted(validatorPort),
          extra);
    }
  }

  private static final String CONFIGURATION =
      """
      daemon off;
      worker_processes auto;
      pid %1$s/nginx.pid;
      error_log %1$s/error.log warn;
      events { worker_connections 8192; }
      http {
        client_body_temp_path %1$s/body;
        proxy_temp_path %1$s/proxy;
        fastcgi_temp_path %1$s/fastcgi;
        uwsgi_temp_path %1$s/uwsgi;
        scgi_temp_path %1$s/scgi;
        access_log %1$s/access.log;
        keepalive_requests 100000000;

        limit_req_zone $http_x_api_key zone=per_key:10m rate=1000000r/s;
        limit_req_zone $binary_remote_addr zone=per_ip:10m rate=1000000r/s;

        upstream llm { server 127.0.0.1:%3$d; keepalive 256; keepalive_requests 100000000; }
        upstream keys { server 127.0.0.1:%4$d; keepalive 256; keepalive_requests 100000000; }

        server {
          listen 127.0.0.1:%2$d backlog=4096;

          location / {
            auth_request /validate-key;
            limit_req zone=per_key burst=100000 nodelay;
            limit_req zone=per_ip burst=100000 nodelay;
            proxy_pass http://%5$s;
            %7$s
            proxy_set_header X-Api-Key "";
            proxy_buffering off;
            proxy_read_timeout 600s;
          }

          location = /validate-key {
            internal;
            proxy_pass http://%6$s/validate;
            %7$s
            proxy_set_header Content-Length "";
            proxy_pass_request_body off;
          }
        }
      }
      """;

  private final Design design;
  private final int port;
  private final Child nginx;
  private final Child validator;

  private Nginx(Design design, int port, Child nginx, Child validator) {
    this.design = design;
    this.port = port;
    this.nginx = nginx;
    this.validator = validator;
  }

  /** Starts nginx, and the service that it asks about keys. */
  static Nginx start(Design design, String program, Path directory, int upstreamPort, String apiKey)
      throws IOException {
    Child validator = Child.self("upstream", "--key", apiKey, "--pace-ms", "1");
    int validatorPort = port(validator);
    int port = Ports.free();
    Files.createDirectories(directory);
    Path file =
        Files.writeString(
            directory.resolve("nginx.conf"),
            design.configuration(directory, port, upstreamPort, validatorPort));
    Child nginx =
        Child.start(
            List.of(program, "-p", directory.toString(), "-c", file.toString()),
            directory.resolve("nginx.out"));
    Ports.await(port, nginx, "nginx");
    return new Nginx(design, port, nginx, validator);
  }

  /** The port that a child process of this program prints first. */
  static int port(Child child) throws IOException {
    String line = child.out().readLine();
    if (line == null) {
      throw new IOException("the upstream did not start");
    }
    return Integer.parseInt(line.substring("port ".length()));
  }

  @Override
  public String name() {
    return design.title;
  }

  @Override
  public int port() {
    return port;
  }

  @Override
  public List<Long> pids() {
    List<Long> all = new ArrayList<>(nginx.pids());
    all.addAll(validator.pids());
    return all;
  }

  /** The processes of nginx alone, without the service that it asks. */
  List<Long> ownPids() {
    return nginx.pids();
  }

  @Override
  public void close() {
    nginx.close();
    validator.close();
  }
}
