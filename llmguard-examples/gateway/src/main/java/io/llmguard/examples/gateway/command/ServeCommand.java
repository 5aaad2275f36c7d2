package io.llmguard.examples.gateway.command;

import io.llmguard.assembly.GuardSettings.RequestLimit;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.ConfigReader;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamServer;
import io.llmguard.examples.gateway.config.HostPort;
import io.llmguard.examples.gateway.demo.DemoUpstream;
import io.llmguard.examples.gateway.server.ConfigWatch;
import io.llmguard.examples.gateway.server.Gateway;
import io.llmguard.examples.gateway.server.JettyLog;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code serve}: runs the gateway until the process is told to stop. */
@Command(
    name = "serve",
    description = "Runs the gateway; SIGTERM ends it once the calls under way have ended.",
    mixinStandardHelpOptions = true)
public final class ServeCommand implements Callable<Integer> {
  private static final Duration PACE = Duration.ofMillis(60);

  @Mixin private ConfigOption config = new ConfigOption();

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--listen",
      paramLabel = "HOST:PORT",
      description = "where clients call (default: 127.0.0.1:8081)")
  private @Nullable String listen;

  @Option(
      names = "--upstream",
      paramLabel = "URL",
      description = "the LLM server (default: $OLLAMA_HOST, or http://127.0.0.1:11434)")
  private @Nullable String upstream;

  @Option(
      names = "--demo",
      description = "brings an upstream that replays recorded answers, for a first look")
  private boolean demo;

  ServeCommand() {}

  @Override
  public Integer call() throws IOException, InterruptedException {
    JettyLog.keepQuiet();
    CommandLine line = spec == null ? new CommandLine(this) : spec.commandLine();
    if (demo && upstream != null) {
      throw new ParameterException(line, "--demo brings its own upstream: leave --upstream away");
    }
    DemoUpstream demoUpstream = demo ? DemoUpstream.start(PACE) : null;
    Path file = config.file();
    ConfigWatch watch = file == null ? null : new ConfigWatch(file);
    GatewayConfig settings = settings(line, demoUpstream);
    Gateway gateway = Gateway.start(settings, Terminals.interactive());
    if (watch != null) {
      watch.start(() -> again(line, demoUpstream), gateway::reload);
    }
    CountDownLatch stop = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  if (watch != null) {
                    watch.close();
                  }
                  gateway.close();
                  if (demoUpstream != null) {
                    demoUpstream.close();
                  }
                  stop.countDown();
                },
                "llmguard-stop"));
    print(line.getOut(), settings, gateway);
    stop.await();
    return 0;
  }

  /** The settings as they are now in the file; what contradicts the arguments is told as such. */
  private GatewayConfig again(CommandLine line, @Nullable DemoUpstream demoUpstream) {
    try {
      return settings(line, demoUpstream);
    } catch (ParameterException e) {
      throw new Main.UserError(String.valueOf(e.getMessage()), e);
    }
  }

  private GatewayConfig settings(CommandLine line, @Nullable DemoUpstream demoUpstream) {
    GatewayConfig read = config.read();
    HostPort where = read.listen();
    if (listen != null) {
      try {
        where = HostPort.parse(listen);
      } catch (IllegalArgumentException e) {
        throw new ParameterException(line, "--listen " + e.getMessage(), e);
      }
    }
    UpstreamServer server = read.upstream();
    if (demoUpstream != null) {
      server = ConfigReader.upstreamAt(demoUpstream.url());
    } else if (upstream != null) {
      try {
        server = ConfigReader.upstreamAt(ConfigReader.checkedUrl(upstream));
      } catch (IllegalArgumentException e) {
        throw new ParameterException(line, "--upstream " + e.getMessage(), e);
      }
    } else if (server == null && read.models().isEmpty()) {
      server = ConfigReader.upstreamAt(OllamaHost.url(System.getenv("OLLAMA_HOST")));
    }
    if (!read.models().isEmpty() && (demo || upstream != null)) {
      throw new ParameterException(
          line, "the configuration has a model_list: each model names its api_base there");
    }
    return read.with(where, server);
  }

  private static void print(PrintWriter out, GatewayConfig config, Gateway gateway) {
    config.warnings().forEach(warning -> out.println("warning: " + warning));
    out.println();
    out.println("  llmguard is listening on " + gateway.url());
    out.println();
    row(out, "upstream", upstreams(config));
    row(out, "first key", gateway.firstKey());
    row(out, "limits", limits(config));
    row(out, "audit", gateway.auditFile().toString());
    if (config.adminListen() != null) {
      row(out, "admin", gateway.adminUrl());
    }
    row(out, "keys", "key create --name NAME makes another");
    out.println();
    out.flush();
  }

  private static void row(PrintWriter out, String name, @Nullable String value) {
    if (value != null) {
      out.printf("  %-10s %s%n", name, value);
    }
  }

  private static String upstreams(GatewayConfig config) {
    UpstreamServer server = config.upstream();
    if (server != null) {
      return server.baseUrl();
    }
    return config.models().stream()
        .map(model -> model.name() + " at " + model.server().baseUrl())
        .collect(Collectors.joining(", "));
  }

  private static String limits(GatewayConfig config) {
    RequestLimit perKey = config.guard().rateLimits().perKey();
    RequestLimit perIp = config.guard().rateLimits().perIp();
    return List.of(limit("a key", perKey), limit("an address", perIp)).stream()
        .collect(Collectors.joining(", "));
  }

  private static String limit(String who, RequestLimit limit) {
    return limit.limit().amount()
        + " in "
        + limit.limit().per().toString().substring(2).toLowerCase(java.util.Locale.ROOT)
        + " for "
        + who
        + " ("
        + limit.limit().capacity()
        + " at once"
        + (limit.shadow() ? ", counted only)" : ")");
  }
}
