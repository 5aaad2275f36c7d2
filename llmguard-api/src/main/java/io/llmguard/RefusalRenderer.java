package io.llmguard;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import io.llmguard.wire.Dialect;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;

/**
 * Writes a refusal in the caller's dialect, so that existing clients show its message.
 *
 * <p>The one place where a refusal becomes bytes. Problem details (RFC 9457) by default, the error
 * objects of Ollama, OpenAI and Anthropic on their paths. Stateless.
 */
public final class RefusalRenderer {
  private static final String PROBLEM_BASE = "https://llmguard.io/problems/";
  private static final JsonFactory JSON = new JsonFactory();

  private RefusalRenderer() {}

  /**
   * A refusal as an adapter writes it.
   *
   * @param status the HTTP status
   * @param headers every field to send, {@code Content-Type} and {@code Cache-Control} among them
   * @param body the body, from position to limit; leave it out in answer to HEAD
   */
  public record Rendered(int status, Headers headers, ByteBuffer body) {}

  /** The refusal in the dialect that the path of the request belongs to. */
  public static Rendered render(Refusal refusal, String rawPath) {
    return render(refusal, dialectOf(rawPath));
  }

  /** The refusal in this dialect. */
  public static Rendered render(Refusal refusal, Dialect dialect) {
    HeaderMap headers =
        new HeaderMap()
            .add(
                "Content-Type",
                dialect == Dialect.PLAIN ? "application/problem+json" : "application/json")
            .add("Cache-Control", "no-store")
            .addAll(refusal.headers());
    return new Rendered(refusal.status(), headers, body(refusal, dialect));
  }

  /** The dialect of a path, known or not: that of the API under whose prefix it stands. */
  public static Dialect dialectOf(String path) {
    if (path.startsWith("/v1/messages")) {
      return Dialect.ANTHROPIC;
    }
    if (path.startsWith("/v1/") || isAdministration(path)) {
      return Dialect.OPENAI;
    }
    return path.startsWith("/api/") ? Dialect.OLLAMA : Dialect.PLAIN;
  }

  /** The admin API, whose clients know OpenAI's error object. */
  private static boolean isAdministration(String path) {
    String below = path.startsWith("/admin/") ? path.substring("/admin".length()) : path;
    return below.startsWith("/key/")
        || below.startsWith("/model/")
        || below.startsWith("/spend/")
        || below.startsWith("/global/")
        || below.equals("/health");
  }

  /** The error types of OpenAI and Anthropic for a status; clients choose their exception by it. */
  private static String errorType(int status, Dialect dialect) {
    boolean anthropic = dialect == Dialect.ANTHROPIC;
    return switch (status) {
      case 401 -> "authentication_error";
      case 403 -> anthropic ? "permission_error" : "permission_denied_error";
      case 404 -> "not_found_error";
      case 413 -> anthropic ? "request_too_large" : "invalid_request_error";
      case 429 -> anthropic ? "rate_limit_error" : "rate_limit_exceeded";
      case 503 -> anthropic ? "overloaded_error" : "server_error";
      default -> status < 500 ? "invalid_request_error" : anthropic ? "api_error" : "server_error";
    };
  }

  private static ByteBuffer body(Refusal refusal, Dialect dialect) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(256);
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      switch (dialect) {
        case OLLAMA -> json.writeStringField("error", refusal.detail());
        case OPENAI -> {
          json.writeObjectFieldStart("error");
          json.writeStringField("message", refusal.detail());
          // LiteLLM's clients tell a spent budget from a rate by the type
          boolean budget = refusal.reason().equals("budget-exceeded");
          json.writeStringField(
              "type", budget ? "budget_exceeded" : errorType(refusal.status(), dialect));
          json.writeNullField("param");
          json.writeStringField("code", refusal.reason().replace('-', '_'));
          json.writeEndObject();
        }
        case ANTHROPIC -> {
          json.writeStringField("type", "error");
          json.writeObjectFieldStart("error");
          json.writeStringField("type", errorType(refusal.status(), dialect));
          json.writeStringField("message", refusal.detail());
          json.writeEndObject();
        }
        case PLAIN -> {
          json.writeStringField("type", PROBLEM_BASE + refusal.reason());
          json.writeStringField("title", title(refusal.reason()));
          json.writeNumberField("status", refusal.status());
          json.writeStringField("detail", refusal.detail());
        }
      }
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // never: it goes to memory
    }
    return ByteBuffer.wrap(out.toByteArray());
  }

  private static String title(String reason) {
    String words = reason.replace('-', ' ');
    return Character.toUpperCase(words.charAt(0)) + words.substring(1);
  }
}
