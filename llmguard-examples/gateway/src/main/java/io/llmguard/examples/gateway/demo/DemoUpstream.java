package io.llmguard.examples.gateway.demo;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;

/**
 * A stand-in for an Ollama server that answers every prompt with what a real one once answered.
 *
 * <p>It knows one model, {@value #MODEL}, listens on a free port of the loopback interface, and
 * sends a stream piece by piece at about the pace of a small model. Thread-safe.
 */
public final class DemoUpstream implements AutoCloseable {
  /** The one model that it knows. */
  public static final String MODEL = "gemma3:270m";

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Map<String, String> FIXED =
      Map.ofEntries(
          Map.entry("GET /", "root"),
          Map.entry("HEAD /", "root"),
          Map.entry("GET /api/tags", "tags"),
          Map.entry("HEAD /api/tags", "tags"),
          Map.entry("GET /api/ps", "ps"),
          Map.entry("GET /api/version", "version"),
          Map.entry("GET /api/status", "status"),
          Map.entry("GET /v1/models", "openai-models"),
          Map.entry("POST /api/show", "show"),
          Map.entry("POST /api/embed", "embed"),
          Map.entry("POST /api/embeddings", "embeddings"),
          Map.entry("POST /v1/embeddings", "llamacpp-embeddings"));

  /** Paths with a plain and a streamed answer; the flag says which comes unasked. */
  private static final Map<String, Generation> GENERATIONS =
      Map.of(
          "/api/chat", new Generation("chat-once", "chat-stream", true),
          "/api/generate", new Generation("generate-once", "generate-stream", true),
          "/v1/chat/completions",
              new Generation("openai-chat-once", "openai-chat-stream-usage", false),
          "/v1/completions",
              new Generation("openai-completions", "openai-completions-stream", false),
          "/v1/responses",
              new Generation("openai-responses-once", "openai-responses-stream", false),
          "/v1/messages",
              new Generation("anthropic-messages-once", "anthropic-messages-stream", false));

  private static final Set<String> KNOWN = Set.of(MODEL, MODEL + ":latest");

  private final HttpServer server;
  private final ExecutorService executor;
  private final Duration pace;

  private record Generation(String once, String stream, boolean streamsUnasked) {}

  private DemoUpstream(HttpServer server, ExecutorService executor, Duration pace) {
    this.server = server;
    this.executor = executor;
    this.pace = pace;
  }

  /**
   * Starts one.
   *
   * @param pace the time between two pieces of a stream
   */
  public static DemoUpstream start(Duration pace) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    ExecutorService executor =
        Executors.newCachedThreadPool(
            task -> {
              Thread thread = new Thread(task, "llmguard-demo");
              thread.setDaemon(true);
              return thread;
            });
    DemoUpstream demo = new DemoUpstream(server, executor, pace);
    server.createContext("/", demo::answer);
    server.setExecutor(executor);
    server.start();
    return demo;
  }

  /** Where it listens. */
  public String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private void answer(HttpExchange call) throws IOException {
    try (call) {
      byte[] body = call.getRequestBody().readAllBytes();
      String path = call.getRequestURI().getPath();
      Generation generation = GENERATIONS.get(path);
      String fixed = FIXED.get(call.getRequestMethod() + " " + path);
      if (fixed == null && generation == null) {
        call.getResponseHeaders().set("Content-Type", "text/plain");
        byte[] text = "404 page not found".getBytes(StandardCharsets.UTF_8);
        call.sendResponseHeaders(404, text.length);
        call.getResponseBody().write(text);
        return;
      }
      JsonNode asked = body.length == 0 ? JSON.createObjectNode() : JSON.readTree(body);
      String model = asked.path("model").asText(asked.path("name").asText(MODEL));
      if (!KNOWN.contains(model)) {
        replay(call, "error-model-missing");
      } else if (generation != null) {
        boolean stream = asked.path("stream").asBoolean(generation.streamsUnasked());
        replay(call, stream ? generation.stream() : generation.once());
      } else if (fixed != null) {
        replay(call, fixed);
      }
    }
  }

  private void replay(HttpExchange call, String name) throws IOException {
    RecordedAnswer answer = RecordedAnswer.load(name);
    answer.headers().forEach((field, value) -> call.getResponseHeaders().set(field, value));
    boolean head = call.getRequestMethod().equals("HEAD");
    if (head || !answer.chunked()) {
      call.sendResponseHeaders(answer.status(), head ? -1 : answer.length());
    } else {
      call.sendResponseHeaders(answer.status(), 0);
    }
    if (head) {
      return;
    }
    try (OutputStream out = call.getResponseBody()) {
      for (byte[] piece : answer.pieces()) {
        if (answer.pieces().size() > 1) {
          LockSupport.parkNanos(pace.toNanos());
        }
        out.write(piece);
        out.flush();
      }
    }
  }

  @Override
  public void close() {
    server.stop(0);
    executor.shutdownNow();
  }
}
