package io.llmguard.testkit;

import io.llmguard.GuardRequest;
import io.llmguard.HeaderMap;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import java.util.concurrent.SubmissionPublisher;
import org.jspecify.annotations.Nullable;

/** A request for tests of stages, set up field by field; from 127.0.0.1 and over plain HTTP. */
public final class TestRequest implements GuardRequest {
  private final String method;
  private final String rawPath;
  private final HeaderMap headers = new HeaderMap();
  private @Nullable String rawQuery;
  private @Nullable String authority = "localhost";
  private boolean secure;
  private InetAddress peer = InetAddress.getLoopbackAddress();
  private List<X509Certificate> certificates = List.of();
  private byte[] body = new byte[0];
  private int bodyReads;

  private TestRequest(String method, String rawTarget) {
    this.method = method;
    int query = rawTarget.indexOf('?');
    this.rawPath = query < 0 ? rawTarget : rawTarget.substring(0, query);
    this.rawQuery = query < 0 ? null : rawTarget.substring(query + 1);
  }

  public static TestRequest of(String method, String rawTarget) {
    return new TestRequest(method, rawTarget);
  }

  /** A POST with a JSON body and its length announced. */
  public static TestRequest post(String rawTarget, String body) {
    return of("POST", rawTarget).body(body);
  }

  public TestRequest header(String name, String value) {
    headers.add(name, value);
    return this;
  }

  public TestRequest bearer(String credential) {
    return header("Authorization", "Bearer " + credential);
  }

  public TestRequest authority(@Nullable String value) {
    authority = value;
    return this;
  }

  public TestRequest secure(boolean value) {
    secure = value;
    return this;
  }

  /** The peer, as a literal address. */
  public TestRequest peer(String literal) {
    try {
      peer = InetAddress.getByName(literal);
    } catch (java.net.UnknownHostException e) {
      throw new IllegalArgumentException(literal, e);
    }
    return this;
  }

  public TestRequest certificates(List<X509Certificate> chain) {
    certificates = chain;
    return this;
  }

  public TestRequest body(String text) {
    return body(text.getBytes(StandardCharsets.UTF_8));
  }

  public TestRequest body(byte[] bytes) {
    body = bytes;
    headers.set("Content-Length", Integer.toString(bytes.length));
    return this;
  }

  /** How often the body was asked for. */
  public int bodyReads() {
    return bodyReads;
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
    return authority;
  }

  @Override
  public boolean secure() {
    return secure;
  }

  @Override
  public InetAddress peer() {
    return peer;
  }

  @Override
  public HeaderMap headers() {
    return headers;
  }

  @Override
  public List<X509Certificate> clientCertificates() {
    return certificates;
  }

  @Override
  public CompletionStage<byte[]> readBody(int maxBytes) {
    bodyReads++;
    return body.length > maxBytes
        ? CompletableFuture.failedFuture(new BodyTooLargeException(maxBytes))
        : CompletableFuture.completedFuture(body);
  }

  @Override
  public Flow.Publisher<ByteBuffer> streamBody() {
    bodyReads++;
    return subscriber -> {
      // same thread, no buffer: the whole body as one piece, then the end
      SubmissionPublisher<ByteBuffer> publisher = new SubmissionPublisher<>(Runnable::run, 1);
      publisher.subscribe(subscriber);
      publisher.submit(ByteBuffer.wrap(body));
      publisher.close();
    };
  }
}
