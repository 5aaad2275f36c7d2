package example;

import com.sun.net.httpserver.HttpServer;
import io.llmguard.ollama.OllamaClient;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

/** Asks a server for its version through the typed client. */
public final class Client {
  public static void main(String[] args) throws Exception {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/api/version",
        call -> {
          byte[] body = "{\"version\":\"1.2.3\"}".getBytes(StandardCharsets.UTF_8);
          call.getResponseHeaders().set("Content-Type", "application/json");
          call.sendResponseHeaders(200, body.length);
          call.getResponseBody().write(body);
          call.close();
        });
    server.start();
    String url = "http://127.0.0.1:" + server.getAddress().getPort();
    try (OllamaClient client = OllamaClient.create(url)) {
      String version = client.version();
      if (!version.equals("1.2.3")) {
        throw new IllegalStateException("the client read " + version);
      }
      System.out.println("llmguard-api alone: the client read version " + version);
    } finally {
      server.stop(0);
    }
  }
}
