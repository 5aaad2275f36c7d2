package io.llmguard.inprocess;

import io.llmguard.GuardRequest;
import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.auth.Caller;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.EmbedRequest;
import io.llmguard.ollama.EmbeddingsRequest;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.internal.Bodies;
import io.llmguard.ollama.internal.Json;
import io.llmguard.wire.Operation;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/** A call that an application is about to make itself, on behalf of a caller whom it knows. */
public final class InProcessRequest implements GuardRequest {
  private final Caller caller;
  private final String path;
  private final byte[] body;
  private final HeaderMap headers = new HeaderMap();

  private InProcessRequest(Caller caller, String path, byte[] body) {
    this.caller = Objects.requireNonNull(caller);
    this.path = path;
    this.body = body;
    headers.add("Content-Type", "application/json");
    headers.add("Content-Length", Integer.toString(body.length));
  }

  /**
   * A call with this body.
   *
   * @param operation a generation or an embedding
   * @param body the JSON that a client would send; kept, not copied
   * @throws IllegalArgumentException if the operation is none of those
   */
  public static InProcessRequest of(Caller caller, Operation operation, byte[] body) {
    return new InProcessRequest(caller, path(operation), body);
  }

  /** A chat that is answered at once. */
  public static InProcessRequest of(Caller caller, ChatRequest request) {
    return of(caller, Operation.OLLAMA_CHAT, Json.bytes(Bodies.of(request, false)));
  }

  /** A completion that is answered at once. */
  public static InProcessRequest of(Caller caller, GenerateRequest request) {
    return of(caller, Operation.OLLAMA_GENERATE, Json.bytes(Bodies.of(request, false)));
  }

  /** A chat that is answered piece by piece. */
  public static InProcessRequest streamed(Caller caller, ChatRequest request) {
    return of(caller, Operation.OLLAMA_CHAT, Json.bytes(Bodies.of(request, true)));
  }

  /** A completion that is answered piece by piece. */
  public static InProcessRequest streamed(Caller caller, GenerateRequest request) {
    return of(caller, Operation.OLLAMA_GENERATE, Json.bytes(Bodies.of(request, true)));
  }

  /** An embedding by the older endpoint. */
  public static InProcessRequest of(Caller caller, EmbeddingsRequest request) {
    return of(caller, Operation.OLLAMA_EMBEDDINGS, Json.bytes(Bodies.of(request)));
  }

  /** An embedding. */
  public static InProcessRequest of(Caller caller, EmbedRequest request) {
    return of(caller, Operation.OLLAMA_EMBED, Json.bytes(Bodies.of(request)));
  }

  private static String path(Operation operation) {
    return switch (operation) {
      case OLLAMA_CHAT -> "/api/chat";
      case OLLAMA_GENERATE -> "/api/generate";
      case OLLAMA_EMBED -> "/api/embed";
      case OLLAMA_EMBEDDINGS -> "/api/embeddings";
      case OPENAI_CHAT -> "/v1/chat/completions";
      case OPENAI_COMPLETIONS -> "/v1/completions";
      case OPENAI_EMBEDDINGS -> "/v1/embeddings";
      case OPENAI_RESPONSES -> "/v1/responses";
      case ANTHROPIC_MESSAGES -> "/v1/messages";
      default ->
          throw new IllegalArgumentException(
              "neither a generation nor an embedding with a JSON body: " + operation);
    };
  }

  /** On whose behalf. */
  public Caller caller() {
    return caller;
  }

  @Override
  public String method() {
    return "POST";
  }

  @Override
  public String rawPath() {
    return path;
  }

  @Override
  public @Nullable String rawQuery() {
    return null;
  }

  @Override
  public @Nullable String authority() {
    return "localhost";
  }

  @Override
  public boolean secure() {
    return true;
  }

  @Override
  public InetAddress peer() {
    return InetAddress.getLoopbackAddress();
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
    return body.length > maxBytes
        ? CompletableFuture.failedFuture(new BodyTooLargeException(maxBytes))
        : CompletableFuture.completedFuture(body);
  }

  @Override
  public Flow.Publisher<ByteBuffer> streamBody() {
    throw new UnsupportedOperationException("the body is at hand: read it");
  }

  @Override
  public String toString() {
    return "InProcessRequest[" + path + " " + caller + "]";
  }
}
