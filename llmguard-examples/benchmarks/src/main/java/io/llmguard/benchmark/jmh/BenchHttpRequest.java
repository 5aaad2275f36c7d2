package io.llmguard.benchmark.jmh;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import org.jspecify.annotations.Nullable;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DefaultDataBufferFactory;
import org.springframework.http.HttpCookie;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpMethod;
import org.springframework.http.server.reactive.AbstractServerHttpRequest;
import org.springframework.http.server.reactive.SslInfo;
import org.springframework.util.LinkedMultiValueMap;
import org.springframework.util.MultiValueMap;
import reactor.core.publisher.Flux;

/** A chat call on WebFlux behind which no server stands. */
final class BenchHttpRequest extends AbstractServerHttpRequest {
  private static final InetSocketAddress PEER =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);

  private final byte[] body;

  BenchHttpRequest(URI uri, HttpHeaders headers, byte[] body) {
    super(HttpMethod.POST, uri, "", headers);
    this.body = body;
  }

  @Override
  protected MultiValueMap<String, HttpCookie> initCookies() {
    return new LinkedMultiValueMap<>();
  }

  @Override
  protected @Nullable SslInfo initSslInfo() {
    return null;
  }

  @Override
  // the asker says what it takes this for, as in what this overrides
  @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
  public <T> T getNativeRequest() {
    return (T) this;
  }

  @Override
  public InetSocketAddress getRemoteAddress() {
    return PEER;
  }

  @Override
  public Flux<DataBuffer> getBody() {
    return Flux.just(DefaultDataBufferFactory.sharedInstance.wrap(body));
  }
}
