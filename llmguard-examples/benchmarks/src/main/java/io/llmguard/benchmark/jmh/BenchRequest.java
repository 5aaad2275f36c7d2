package io.llmguard.benchmark.jmh;

import io.llmguard.GuardRequest;
import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * A chat call as an adapter hands it over, made beforehand: it adds nothing to what is measured.
 */
final class BenchRequest implements GuardRequest {
  private final HeaderMap headers = new HeaderMap();
  private final InetAddress peer = InetAddress.getLoopbackAddress();
  private final CompletableFuture<byte[]> body;

  BenchRequest(byte[] body, String apiKey) {
    this.body = CompletableFuture.completedFuture(body);
    headers.add("Host", "127.0.0.1:8081");
    headers.add("Content-Type", "application/json");
    headers.add("X-Api-Key", apiKey);
    headers.add("Content-Length", Integer.toString(body.length));
  }

  @Override
  public String method() {
    return "POST";
  }

  @Override
  public String rawPath() {
    return "/api/chat";
  }

  @Override
  public @Nullable String rawQuery() {
    return null;
  }

  @Override
  public String authority() {
    return "127.0.0.1:8081";
  }

  @Override
  public boolean secure() {
    return false;
  }

  @Override
  public InetAddress peer() {
    return peer;
  }

  @Override
  public Headers headers() {
    return headers;
  }

  @Override
  public List<X509Certificate> clientCertificates() {
    return List.of();
  }

  @Override
  public CompletionStage<byte[]> readBody(int maxBytes) {
    return body;
  }

  @Override
  public Flow.Publisher<ByteBuffer> streamBody() {
    throw new UnsupportedOperationException("a chat's body is read whole");
  }
}
