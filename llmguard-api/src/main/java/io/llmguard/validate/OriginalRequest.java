package io.llmguard.validate;

import io.llmguard.GuardRequest;
import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** A call as the reverse proxy that asks about it says that it was; it has no body here. */
final class OriginalRequest implements GuardRequest {
  /** What describes the question's own body, and not that of the call it is about. */
  private static final Set<String> FRAMING = framing();

  private final GuardRequest question;
  private final String method;
  private final String rawPath;
  private final @Nullable String rawQuery;
  private final HeaderMap headers = new HeaderMap();

  /**
   * The call that a question is about.
   *
   * @param method the call's method
   * @param target its path and query, undecoded
   */
  OriginalRequest(GuardRequest question, String method, String target) {
    this.question = question;
    this.method = method;
    int query = target.indexOf('?');
    this.rawPath = query < 0 ? target : target.substring(0, query);
    this.rawQuery = query < 0 ? null : target.substring(query + 1);
    question
        .headers()
        .forEach(
            (name, value) -> {
              if (!FRAMING.contains(name)) {
                headers.add(name, value);
              }
            });
  }

  private static Set<String> framing() {
    Set<String> names = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    names.addAll(Set.of("Content-Length", "Transfer-Encoding", "Content-Encoding"));
    return names;
  }

  @Override
  public String method() {
    return method;
  }

  @Override
  public String rawPath() {
    return rawPath;
  }

  @Override
  public @Nullable String rawQuery() {
    return rawQuery;
  }

  @Override
  public @Nullable String authority() {
    return question.authority();
  }

  @Override
  public boolean secure() {
    return question.secure();
  }

  @Override
  public InetAddress peer() {
    return question.peer();
  }

  @Override
  public Headers headers() {
    return headers;
  }

  @Override
  public List<X509Certificate> clientCertificates() {
    return question.clientCertificates();
  }

  @Override
  public CompletionStage<byte[]> readBody(int maxBytes) {
    return CompletableFuture.completedFuture(new byte[0]);
  }

  @Override
  public Flow.Publisher<ByteBuffer> streamBody() {
    return subscriber ->
        subscriber.onSubscribe(
            new Flow.Subscription() {
              private boolean done;

              @Override
              public void request(long n) {
                if (!done) {
                  done = true;
                  subscriber.onComplete();
                }
              }

              @Override
              public void cancel() {
                done = true;
              }
            });
  }
}
