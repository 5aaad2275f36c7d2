package io.llmguard.ollama.internal;

import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.CreateRequest;
import io.llmguard.ollama.EmbedRequest;
import io.llmguard.ollama.EmbedResponse;
import io.llmguard.ollama.EmbeddingsRequest;
import io.llmguard.ollama.EmbeddingsResponse;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.ListResponse;
import io.llmguard.ollama.Progress;
import io.llmguard.ollama.PullRequest;
import io.llmguard.ollama.PushRequest;
import io.llmguard.ollama.RunningResponse;
import io.llmguard.ollama.ServerStatus;
import io.llmguard.ollama.ServerVersion;
import io.llmguard.ollama.ShowRequest;
import io.llmguard.ollama.ShowResponse;
import io.llmguard.ollama.internal.http.RequestBody;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Each endpoint of Ollama as a call. */
public final class Calls {
  private static final String JSON = "application/json";

  private Calls() {}

  /** {@code POST /api/chat}. */
  public static CallSpec<ChatResponse, ChatResponse> chat(ChatRequest request, boolean stream) {
    return new CallSpec<>(
        "chat",
        "POST",
        "/api/chat",
        request.model(),
        JSON,
        json(Bodies.of(request, stream)),
        true,
        stream,
        ChatDecoder::new,
        ChatAssembler::new);
  }

  /** {@code POST /api/generate}. */
  public static CallSpec<GenerateResponse, GenerateResponse> generate(
      GenerateRequest request, boolean stream) {
    return new CallSpec<>(
        "text_completion",
        "POST",
        "/api/generate",
        request.model(),
        JSON,
        json(Bodies.of(request, stream)),
        true,
        stream,
        GenerateDecoder::new,
        GenerateAssembler::new);
  }

  /** {@code POST /api/embed}. */
  public static CallSpec<EmbedResponse, EmbedResponse> embed(EmbedRequest request) {
    return whole(
        "embeddings",
        "POST",
        "/api/embed",
        request.model(),
        Bodies.of(request),
        true,
        Replies::embed);
  }

  /** {@code POST /api/embeddings}. */
  public static CallSpec<EmbeddingsResponse, EmbeddingsResponse> embeddings(
      EmbeddingsRequest request) {
    return whole(
        "embeddings",
        "POST",
        "/api/embeddings",
        request.model(),
        Bodies.of(request),
        true,
        Replies::embeddings);
  }

  /** {@code GET /api/tags}. */
  public static CallSpec<ListResponse, ListResponse> list() {
    return whole("list", "GET", "/api/tags", null, null, true, Replies::list);
  }

  /** {@code GET /api/ps}. */
  public static CallSpec<RunningResponse, RunningResponse> running() {
    return whole("ps", "GET", "/api/ps", null, null, true, Replies::running);
  }

  /** {@code GET /api/version}. */
  public static CallSpec<ServerVersion, ServerVersion> version() {
    return whole("version", "GET", "/api/version", null, null, true, Replies::version);
  }

  /** {@code GET /api/status}. */
  public static CallSpec<ServerStatus, ServerStatus> status() {
    return whole("status", "GET", "/api/status", null, null, true, Replies::status);
  }

  /** {@code GET /}, which is answered by a line of text. */
  public static CallSpec<String, String> greeting() {
    return new CallSpec<>(
        "greeting",
        "GET",
        "/",
        null,
        JSON,
        null,
        true,
        false,
        () -> (bytes, from, to) -> new String(bytes, from, to - from, StandardCharsets.UTF_8),
        Assembler::whole);
  }

  /** {@code POST /api/show}. */
  public static CallSpec<ShowResponse, ShowResponse> show(ShowRequest request) {
    return whole(
        "show", "POST", "/api/show", request.model(), Bodies.of(request), true, Replies::show);
  }

  /** {@code POST /api/pull}. */
  public static CallSpec<Progress, Progress.Success> pull(PullRequest request) {
    return progress("pull", request.model(), Bodies.of(request));
  }

  /** {@code POST /api/push}. */
  public static CallSpec<Progress, Progress.Success> push(PushRequest request) {
    return progress("push", request.model(), Bodies.of(request));
  }

  /** {@code POST /api/create}. */
  public static CallSpec<Progress, Progress.Success> create(CreateRequest request) {
    return progress("create", request.model(), Bodies.of(request));
  }

  private static CallSpec<Progress, Progress.Success> progress(
      String operation, String model, Map<String, @Nullable Object> body) {
    return new CallSpec<>(
        operation,
        "POST",
        "/api/" + operation,
        model,
        JSON,
        json(body),
        false,
        true,
        () -> new ObjectDecoder<>(Replies::progress),
        ProgressAssembler::new);
  }

  /** {@code POST /api/copy}. */
  public static CallSpec<Boolean, Boolean> copy(String source, String destination) {
    return done(
        "copy", "POST", "/api/copy", source, JSON, json(Bodies.copy(source, destination)), false);
  }

  /** {@code DELETE /api/delete}. */
  public static CallSpec<Boolean, Boolean> delete(String model) {
    return done("delete", "DELETE", "/api/delete", model, JSON, json(Bodies.model(model)), false);
  }

  /** {@code HEAD /api/blobs/DIGEST}; a 404 says no. */
  public static CallSpec<Boolean, Boolean> blobExists(String digest) {
    return new CallSpec<>(
        "blob",
        "HEAD",
        "/api/blobs/" + digest(digest),
        null,
        JSON,
        null,
        true,
        false,
        () -> ObjectDecoder.orEmpty(true),
        Assembler::whole,
        false);
  }

  /** {@code POST /api/blobs/DIGEST}, streamed from a file. */
  public static CallSpec<Boolean, Boolean> createBlob(String digest, Path file) {
    return done(
        "blob",
        "POST",
        "/api/blobs/" + digest(digest),
        null,
        "application/octet-stream",
        RequestBody.of(file),
        false);
  }

  /** A call whose answer says all by its status. */
  private static CallSpec<Boolean, Boolean> done(
      String operation,
      String method,
      String path,
      @Nullable String model,
      String contentType,
      @Nullable RequestBody body,
      boolean readOnly) {
    return new CallSpec<>(
        operation,
        method,
        path,
        model,
        contentType,
        body,
        readOnly,
        false,
        () -> ObjectDecoder.orEmpty(true),
        Assembler::whole);
  }

  private static String digest(String digest) {
    if (!digest.matches("sha256:[0-9a-f]{64}")) {
      throw new IllegalArgumentException("a digest is sha256: and 64 lower-case hex digits");
    }
    return digest;
  }

  /** A call whose answer is one object. */
  public static <T> CallSpec<T, T> whole(
      String operation,
      String method,
      String path,
      @Nullable String model,
      @Nullable Map<String, @Nullable Object> body,
      boolean readOnly,
      Function<Fields, @Nullable T> read) {
    return new CallSpec<>(
        operation,
        method,
        path,
        model,
        JSON,
        body == null ? null : json(body),
        readOnly,
        false,
        () -> new ObjectDecoder<>(read),
        Assembler::whole);
  }

  /** A body of JSON, made once for all attempts. */
  public static RequestBody json(Map<String, @Nullable Object> body) {
    return RequestBody.of(Json.bytes(body));
  }
}
