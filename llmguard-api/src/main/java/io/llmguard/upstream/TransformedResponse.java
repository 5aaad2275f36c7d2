package io.llmguard.upstream;

import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.wire.AnswerTransform;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A client's side whose answers are changed on their way.
 *
 * <p>The length is then not known beforehand, so it is not announced.
 */
final class TransformedResponse implements ClientResponse {
  private final ClientResponse client;
  private final Route.AnswerTransforms transforms;
  private @Nullable AnswerTransform transform;

  TransformedResponse(ClientResponse client, Route.AnswerTransforms transforms) {
    this.client = client;
    this.transforms = transforms;
  }

  @Override
  public void head(int status, Headers headers) {
    transform = transforms.transform(status, headers);
    client.head(
        status, transform == null ? headers : HeaderMap.copyOf(headers).remove("Content-Length"));
  }

  @Override
  public void write(ByteBuffer chunk, boolean flush, WriteCallback written) {
    if (transform == null) {
      client.write(chunk, flush, written);
      return;
    }
    ByteBuffer changed = transform.apply(chunk);
    if (changed.hasRemaining()) {
      client.write(changed, flush, written);
    } else {
      written.written();
    }
  }

  @Override
  public void end() {
    ByteBuffer rest = transform == null ? null : transform.end();
    if (rest == null || !rest.hasRemaining()) {
      client.end();
      return;
    }
    client.write(
        rest,
        false,
        new WriteCallback() {
          @Override
          public void written() {
            client.end();
          }

          @Override
          public void failed(Throwable cause) {
            client.abort();
          }
        });
  }

  @Override
  public void abort() {
    client.abort();
  }
}
