package io.llmguard.upstream;

import io.llmguard.AnswerCeiling;
import io.llmguard.Exchange;
import io.llmguard.HeaderMap;
import io.llmguard.RequestBody;
import io.llmguard.wire.Call;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** Makes what goes to an upstream of a call. */
final class OutgoingRequest {
  private OutgoingRequest() {}

  /**
   * The request.
   *
   * @param longest how long the call may still take, or null for as long as the upstream may
   * @param passThrough the body of a call whose body passes through unread, or null for none
   * @param length its length in bytes, or -1
   * @throws IllegalArgumentException if path or query cannot be passed on
   */
  static UpstreamRequest of(
      Exchange exchange,
      Route.To route,
      @Nullable Duration longest,
      Flow.@Nullable Publisher<ByteBuffer> passThrough,
      long length) {
    Upstream target = route.upstream();
    String path = route.path() == null ? exchange.path() : route.path();
    HeaderMap fields = RequestFields.of(exchange.request().headers(), target, route.body());
    return new UpstreamRequest(
        exchange.method(),
        target
            .targets()
            .of(path, PassedQuery.of(exchange.endpoint(), exchange.request().rawQuery())),
        fields,
        content(route.body(), passThrough, length),
        timeouts(exchange, target, longest),
        !Retrying.changesTheServer(exchange));
  }

  private static UpstreamTimeouts timeouts(
      Exchange exchange, Upstream target, @Nullable Duration longest) {
    Call asked = exchange.call();
    UpstreamTimeouts timeouts =
        asked != null && asked.stream() ? target.streamTimeouts() : target.timeouts();
    Duration most = shorter(longest, timeLeft(exchange));
    return most == null || most.compareTo(timeouts.total()) >= 0
        ? timeouts
        : new UpstreamTimeouts(timeouts.connect(), timeouts.firstByte(), timeouts.idle(), most);
  }

  /** What the call's ceiling leaves for this attempt, or null for no bound. */
  private static @Nullable Duration timeLeft(Exchange exchange) {
    AnswerCeiling ceiling = exchange.ceiling();
    Duration most = ceiling == null ? null : ceiling.upstreamTime();
    return most == null
        ? null
        : Duration.ofNanos(Math.max(1, most.toNanos() - exchange.upstreamNanos()));
  }

  private static @Nullable Duration shorter(@Nullable Duration a, @Nullable Duration b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    return a.compareTo(b) <= 0 ? a : b;
  }

  private static UpstreamRequest.Content content(
      RequestBody body, Flow.@Nullable Publisher<ByteBuffer> passThrough, long length) {
    if (body instanceof RequestBody.InMemory memory) {
      return new UpstreamRequest.Content.Bytes(memory.content());
    }
    if (body instanceof RequestBody.InFile file) {
      return new UpstreamRequest.Content.InFile(file.file(), file.length());
    }
    if (body instanceof RequestBody.EditedFile file) {
      return new UpstreamRequest.Content.Streamed(new FileSplice(file), file.length());
    }
    if (body instanceof RequestBody.PassThrough && passThrough != null) {
      return new UpstreamRequest.Content.Streamed(passThrough, length);
    }
    return new UpstreamRequest.Content.None();
  }
}
