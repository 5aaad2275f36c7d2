package io.llmguard.examples.gateway.server;

import java.nio.charset.StandardCharsets;
import java.util.function.Supplier;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * Answers {@code /health/live} and {@code /health/ready} without a key and without telling more
 * than a word.
 */
final class HealthHandler extends Handler.Abstract.NonBlocking {
  private final Supplier<@Nullable String> notReady;

  /** A handler; the supplier says in a word why the gateway is not ready, or null. */
  HealthHandler(Supplier<@Nullable String> notReady) {
    this.notReady = notReady;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    String path = request.getHttpURI().getPath();
    boolean ready = "/health/ready".equals(path);
    if (!ready && !"/health/live".equals(path)) {
      return false;
    }
    boolean head = request.getMethod().equals("HEAD");
    if (!head && !request.getMethod().equals("GET")) {
      response.setStatus(405);
      response.getHeaders().put(HttpHeader.ALLOW, "GET, HEAD");
      callback.succeeded();
      return true;
    }
    String why = ready ? notReady.get() : null;
    response.setStatus(why == null ? 200 : 503);
    response.getHeaders().put(HttpHeader.CONTENT_TYPE, "text/plain;charset=utf-8");
    response.getHeaders().put(HttpHeader.CACHE_CONTROL, "no-store");
    String word = (why == null ? "ok" : why) + "\n";
    response.write(
        true,
        head ? null : java.nio.ByteBuffer.wrap(word.getBytes(StandardCharsets.UTF_8)),
        callback);
    return true;
  }
}
