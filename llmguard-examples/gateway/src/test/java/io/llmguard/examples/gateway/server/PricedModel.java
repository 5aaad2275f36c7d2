package io.llmguard.examples.gateway.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A server of models that generate what the ceiling allows; {@code broken} always fails, {@code
 * torn} breaks its first answer off, {@code late} fails first, after a while, and {@code late} and
 * {@code mute} then never answer.
 */
final class PricedModel implements AutoCloseable {
  static final long LATE_MILLIS = 1_500;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ConcurrentLinkedQueue<JsonNode> received = new ConcurrentLinkedQueue<>();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final CountDownLatch closed = new CountDownLatch(1);
  private final AtomicInteger asked = new AtomicInteger();
  private final HttpServer server;

  PricedModel() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/api/chat", this::chat);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  List<JsonNode> received() {
    return List.copyOf(received);
  }

  private void chat(HttpExchange exchange) throws IOException {
    JsonNode call = JSON.readTree(exchange.getRequestBody());
    received.add(call);
    int tokens = call.path("options").path("num_predict").asInt(5_000);
    String answer =
        "{\"model\":\""
            + call.path("model").asText()
            + "\",\"message\":{\"role\":\"assistant\",\"content\":\"a long enough answer\"},"
            + "\"done\":true,\"done_reason\":\"length\",\"prompt_eval_count\":10,\"eval_count\":"
            + tokens
            + "}";
    switch (call.path("model").asText()) {
      case "broken" -> answer(exchange, 500, "{\"error\":\"broken\"}", 0);
      case "torn" -> answer(exchange, 200, answer, asked.getAndIncrement() == 0 ? 100 : 0);
      case "late" -> {
        if (asked.getAndIncrement() == 0) {
          await(LATE_MILLIS);
          answer(exchange, 500, "{\"error\":\"late\"}", 0);
        } else {
          await(Long.MAX_VALUE);
          exchange.close();
        }
      }
      case "mute" -> {
        await(Long.MAX_VALUE);
        exchange.close();
      }
      default -> answer(exchange, 200, answer, 0);
    }
  }

  private void await(long millis) {
    try {
      closed.await(millis, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Answers, and promises so many bytes more than there are. */
  private static void answer(HttpExchange exchange, int status, String text, int missing)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, body.length + missing);
    OutputStream out = exchange.getResponseBody();
    out.write(body, 0, missing == 0 ? body.length : body.length / 2);
    out.flush();
    exchange.close();
  }

  @Override
  public void close() {
    closed.countDown();
    server.stop(0);
    threads.shutdownNow();
  }
}
