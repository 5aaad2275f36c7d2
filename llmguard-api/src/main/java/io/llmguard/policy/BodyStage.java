package io.llmguard.policy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.GuardRequest;
import io.llmguard.GuardRequest.BodyTooLargeException;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.wire.BodyReading;
import io.llmguard.wire.CheckedBody;
import io.llmguard.wire.MalformedBody;
import io.llmguard.wire.RequestReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;

/**
 * Reads a JSON body once, bounded and strictly, and has exactly what was checked go upstream.
 *
 * <p>A body under gzip is decoded, to no more than the same bound, and goes upstream decoded.
 * Refuses with 413 {@code body-too-large}, 408 {@code body-timeout}, 415 {@code content-type},
 * {@code content-coding} or {@code charset}, and 400 with the reasons of {@link MalformedBody}.
 * Calls whose endpoint takes no JSON body pass.
 */
public final class BodyStage implements Stage {
  /** The checked body, for the stages behind this one. */
  public static final Exchange.Key<CheckedBody> CHECKED =
      new Exchange.Key<>("checked-body", CheckedBody.class);

  /**
   * What clients call a JSON body: the second is what curl says of any, the third what a browser
   * may say unasked. Others may name another reader at the upstream, which finds other fields.
   */
  private static final Set<String> TAKEN_AS_JSON =
      Set.of("application/json", "application/x-www-form-urlencoded", "text/plain", "");

  private final RequestReader reader;
  private final int maxBytes;

  /**
   * A stage.
   *
   * @param reader what reads the bodies
   * @param maxBytes the largest body, as sent and as decoded
   */
  public BodyStage(RequestReader reader, int maxBytes) {
    if (maxBytes < 1) {
      throw new IllegalArgumentException("the largest body has at least 1 byte: " + maxBytes);
    }
    this.reader = reader;
    this.maxBytes = maxBytes;
  }

  @Override
  public String name() {
    return "body";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    Endpoint endpoint = exchange.endpoint();
    if (endpoint == null) {
      return exchange.admit();
    }
    switch (endpoint.body()) {
      case NONE -> {
        exchange.body(new RequestBody.None());
        return exchange.admit();
      }
      case JSON -> {
        return readJson(exchange, endpoint);
      }
      case MULTIPART, OPAQUE -> {
        return exchange.admit();
      }
    }
    return exchange.admit();
  }

  private CompletionStage<Decision> readJson(Exchange exchange, Endpoint endpoint) {
    List<String> types = exchange.request().headers().all("Content-Type");
    String type = types.isEmpty() ? null : types.get(0);
    if (types.size() > 1 || (type != null && !TAKEN_AS_JSON.contains(mediaType(type)))) {
      return exchange.refuse(Refusal.of(415, "content-type", "send the body as application/json"));
    }
    String charset = charsetOf(type);
    if (charset != null && !charset.equalsIgnoreCase("utf-8")) {
      return exchange.refuse(Refusal.of(415, "charset", "send the body as UTF-8"));
    }
    String coding = exchange.request().headers().first("Content-Encoding");
    boolean gzip = coding != null && coding.strip().equalsIgnoreCase("gzip");
    if (coding != null && !gzip && !coding.strip().equalsIgnoreCase("identity")) {
      return exchange.refuse(
          Refusal.of(415, "content-coding", "send the body as it is, or under gzip")
              .with("Accept-Encoding", "gzip, identity"));
    }
    CompletableFuture<byte[]> body = exchange.request().readBody(maxBytes).toCompletableFuture();
    if (body.isDone() && !body.isCompletedExceptionally()) {
      return check(exchange, endpoint, body.join(), gzip);
    }
    return body.handle(
            (bytes, e) ->
                e == null ? check(exchange, endpoint, bytes, gzip) : exchange.refuse(refusalOf(e)))
        .thenCompose(decision -> decision);
  }

  private CompletionStage<Decision> check(
      Exchange exchange, Endpoint endpoint, byte[] sent, boolean gzip) {
    byte[] body = sent;
    if (gzip) {
      try {
        body = inflate(sent);
      } catch (BodyTooLargeException e) {
        return exchange.refuse(refusalOf(e));
      } catch (IOException e) {
        return exchange.refuse(
            Refusal.of(400, "content-coding", "the body is not what gzip makes"));
      }
    }
    BodyReading reading = reader.read(endpoint.operation(), body);
    if (reading instanceof MalformedBody malformed) {
      return exchange.refuse(malformed.refusal());
    }
    if (reading instanceof CheckedBody checked) {
      exchange.call(checked.call());
      exchange.put(CHECKED, checked);
      exchange.body(new RequestBody.InMemory(ByteBuffer.wrap(checked.bytes())));
    }
    return exchange.admit();
  }

  private byte[] inflate(byte[] sent) throws IOException, BodyTooLargeException {
    try (GZIPInputStream in = new GZIPInputStream(new ByteArrayInputStream(sent))) {
      byte[] body = in.readNBytes(maxBytes + 1);
      if (body.length > maxBytes) {
        throw new BodyTooLargeException(maxBytes);
      }
      return body;
    }
  }

  /**
   * The refusal of a call whose {@link GuardRequest#readBody} failed.
   *
   * @throws CompletionException with the failure, if it is not the caller's
   */
  public static Refusal refusalOf(Throwable e) {
    Throwable cause = e instanceof CompletionException && e.getCause() != null ? e.getCause() : e;
    if (cause instanceof BodyTooLargeException tooLarge) {
      return Refusal.of(
          413, "body-too-large", "the body is larger than " + tooLarge.limit() + " bytes");
    }
    if (cause instanceof SocketTimeoutException) {
      return Refusal.of(408, "body-timeout", "the body did not come in time");
    }
    if (cause instanceof IOException) {
      return Refusal.of(400, "body-incomplete", "the body ended before it was whole");
    }
    throw new CompletionException(cause);
  }

  private static String mediaType(String contentType) {
    int end = contentType.indexOf(';');
    return (end < 0 ? contentType : contentType.substring(0, end)).strip().toLowerCase(Locale.ROOT);
  }

  private static @Nullable String charsetOf(@Nullable String contentType) {
    if (contentType == null) {
      return null;
    }
    int at = contentType.toLowerCase(Locale.ROOT).indexOf("charset=");
    if (at < 0) {
      return null;
    }
    String rest = contentType.substring(at + "charset=".length());
    int end = rest.indexOf(';');
    return (end < 0 ? rest : rest.substring(0, end)).strip().replace("\"", "");
  }
}
