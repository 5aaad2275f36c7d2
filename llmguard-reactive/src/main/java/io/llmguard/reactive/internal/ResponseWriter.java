package io.llmguard.reactive.internal;

import io.llmguard.Headers;
import io.llmguard.Refusal;
import io.llmguard.RefusalRenderer;
import io.llmguard.RefusalRenderer.Rendered;
import java.nio.ByteBuffer;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.server.reactive.ServerHttpResponse;
import reactor.core.publisher.Mono;

/** Writes answers that are whole on a reactive response. */
public final class ResponseWriter {
  private ResponseWriter() {}

  /** Writes a refusal as the one renderer has it; fields that others have set stay. */
  public static Mono<Void> refuse(Conversation call, Refusal refusal) {
    ServerHttpResponse response = call.rawResponse();
    Rendered rendered = RefusalRenderer.render(refusal, call.rawPath());
    ByteBuffer body = rendered.body();
    HttpFields.set(response.getHeaders(), rendered.headers());
    response.getHeaders().setContentLength(body.remaining());
    response.setStatusCode(HttpStatusCode.valueOf(rendered.status()));
    if (call.method().equals("HEAD")) {
      return response.setComplete();
    }
    // no buffer of the server's pool: a client that leaves just now would leave it to nobody
    return response.writeWith(Mono.fromSupplier(() -> response.bufferFactory().wrap(body)));
  }

  /** Writes an answer without a body. */
  public static Mono<Void> write(ServerHttpResponse response, int status, Headers headers) {
    response.setStatusCode(HttpStatusCode.valueOf(status));
    HttpFields.set(response.getHeaders(), headers);
    return response.setComplete();
  }
}
