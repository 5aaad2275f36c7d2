package io.llmguard.ollama;

import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Every way in which a call can fail, as a closed family. The message is never null and never holds
 * a prompt, an answer or a credential; it does hold the server's own error text. Where a stream
 * failed after text had come, {@link #partialText()} has it.
 */
public abstract sealed class OllamaException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String partialText;

  private OllamaException(String message, int status, String partialText) {
    super(message);
    this.status = status;
    this.partialText = partialText;
  }

  /** The HTTP status of the answer; 0 where no answer came, 200 for an error in mid-stream. */
  public final int status() {
    return status;
  }

  /** The text that the model had written before the failure; empty where there was none. */
  public final String partialText() {
    return partialText;
  }

  /** The same failure, with the text that came before it. */
  public abstract OllamaException withPartialText(String text);

  final <X extends OllamaException> X like(X copy) {
    copy.setStackTrace(getStackTrace());
    if (getCause() != null) {
      copy.initCause(getCause());
    }
    return copy;
  }

  /** The server does not have the model, or the registry does not. */
  public static final class ModelNotFound extends OllamaException {
    private static final long serialVersionUID = 1L;

    /** With the server's words. */
    public ModelNotFound(String message, int status, String partialText) {
      super(message, status, partialText);
    }

    @Override
    public ModelNotFound withPartialText(String text) {
      return like(new ModelNotFound(message(), status(), text));
    }
  }

  /** The server understood the call and refused its content, or does not know the endpoint. */
  public static final class BadRequest extends OllamaException {
    private static final long serialVersionUID = 1L;

    /** With the server's words. */
    public BadRequest(String message, int status, String partialText) {
      super(message, status, partialText);
    }

    @Override
    public BadRequest withPartialText(String text) {
      return like(new BadRequest(message(), status(), text));
    }
  }

  /** The model cannot do what was asked: tools, thinking, embeddings, images. */
  public static final class CapabilityMissing extends OllamaException {
    private static final long serialVersionUID = 1L;

    /** With the server's words. */
    public CapabilityMissing(String message, int status, String partialText) {
      super(message, status, partialText);
    }

    /** What is missing, in the server's word ({@code tools}, {@code thinking}); may be empty. */
    public String capability() {
      String marker = "does not support ";
      int at = message().indexOf(marker);
      return at < 0 ? "" : message().substring(at + marker.length()).strip();
    }

    @Override
    public CapabilityMissing withPartialText(String text) {
      return like(new CapabilityMissing(message(), status(), text));
    }
  }

  /** 401: no credential, or a wrong one. */
  public static final class Unauthorised extends OllamaException {
    private static final long serialVersionUID = 1L;
    private final @Nullable URI signInUrl;

    /** With the server's words and its sign-in URL, if it gave one. */
    public Unauthorised(String message, int status, String partialText, @Nullable URI signInUrl) {
      super(message, status, partialText);
      this.signInUrl = signInUrl;
    }

    /** Where to sign in, if the server said so. */
    public Optional<URI> signInUrl() {
      return Optional.ofNullable(signInUrl);
    }

    @Override
    public Unauthorised withPartialText(String text) {
      return like(new Unauthorised(message(), status(), text, signInUrl));
    }
  }

  /** 403: the credential is known and may not do this. */
  public static final class Forbidden extends OllamaException {
    private static final long serialVersionUID = 1L;

    /** With the server's words. */
    public Forbidden(String message, int status, String partialText) {
      super(message, status, partialText);
    }

    @Override
    public Forbidden withPartialText(String text) {
      return like(new Forbidden(message(), status(), text));
    }
  }

  /** 429: too many calls or tokens, or out of budget. */
  public static final class Limited extends OllamaException {
    private static final long serialVersionUID = 1L;
    private final @Nullable Duration retryAfter;

    /** With the server's words and its {@code Retry-After}. */
    public Limited(String message, int status, String partialText, @Nullable Duration retryAfter) {
      super(message, status, partialText);
      this.retryAfter = retryAfter;
    }

    /** How long to wait, if the server said so. */
    public Optional<Duration> retryAfter() {
      return Optional.ofNullable(retryAfter);
    }

    @Override
    public Limited withPartialText(String text) {
      return like(new Limited(message(), status(), text, retryAfter));
    }
  }

  /** 503: the server's queue is full, or it is draining. */
  public static final class Busy extends OllamaException {
    private static final long serialVersionUID = 1L;
    private final @Nullable Duration retryAfter;

    /** With the server's words and its {@code Retry-After}. */
    public Busy(String message, int status, String partialText, @Nullable Duration retryAfter) {
      super(message, status, partialText);
      this.retryAfter = retryAfter;
    }

    /** How long to wait, if the server said so. */
    public Optional<Duration> retryAfter() {
      return Optional.ofNullable(retryAfter);
    }

    @Override
    public Busy withPartialText(String text) {
      return like(new Busy(message(), status(), text, retryAfter));
    }
  }

  /** The server failed while it worked on the call: a 5xx, or an error line in mid-stream. */
  public static final class ServerFailed extends OllamaException {
    private static final long serialVersionUID = 1L;

    /** With the server's words. */
    public ServerFailed(String message, int status, String partialText) {
      super(message, status, partialText);
    }

    @Override
    public ServerFailed withPartialText(String text) {
      return like(new ServerFailed(message(), status(), text));
    }
  }

  /** No connection could be made: refused, unknown host, a TLS handshake that failed. */
  public static final class Unreachable extends OllamaException {
    private static final long serialVersionUID = 1L;

    /** With what the machine said. */
    public Unreachable(String message, @Nullable Throwable cause) {
      super(message, 0, "");
      if (cause != null) {
        initCause(cause);
      }
    }

    @Override
    public Unreachable withPartialText(String text) {
      return this;
    }
  }

  /** One of the call's own time limits passed. */
  public static final class TimedOut extends OllamaException {
    private static final long serialVersionUID = 1L;

    /** Which limit. */
    public enum Limit {
      /** Until the connection stood. */
      CONNECT,
      /** From the start of the call until its first event. */
      FIRST_TOKEN,
      /** Between two events. */
      IDLE,
      /** From the start of the call to its end. */
      TOTAL
    }

    private final Limit limit;

    /** With the limit that passed. */
    public TimedOut(String message, String partialText, Limit limit) {
      super(message, 0, partialText);
      this.limit = limit;
    }

    /** Which limit passed. */
    public Limit limit() {
      return limit;
    }

    @Override
    public TimedOut withPartialText(String text) {
      return like(new TimedOut(message(), text, limit));
    }
  }

  /** The answer ended before its end: no {@code "done":true}, no {@code success}. */
  public static final class Truncated extends OllamaException {
    private static final long serialVersionUID = 1L;

    /** With how it ended. */
    public Truncated(String message, int status, String partialText) {
      super(message, status, partialText);
    }

    @Override
    public Truncated withPartialText(String text) {
      return like(new Truncated(message(), status(), text));
    }
  }

  /** What came is not what the protocol says: no JSON, a line without end, a wrong type. */
  public static final class Malformed extends OllamaException {
    private static final long serialVersionUID = 1L;

    /** With what was wrong and where. */
    public Malformed(String message, int status, String partialText) {
      super(message, status, partialText);
    }

    @Override
    public Malformed withPartialText(String text) {
      return like(new Malformed(message(), status(), text));
    }
  }

  /** The caller gave the call up: closed, cancelled or interrupted. */
  public static final class Cancelled extends OllamaException {
    private static final long serialVersionUID = 1L;

    /** With who did it. */
    public Cancelled(String message, String partialText) {
      super(message, 0, partialText);
    }

    @Override
    public Cancelled withPartialText(String text) {
      return like(new Cancelled(message(), text));
    }
  }

  final String message() {
    String message = getMessage();
    return message == null ? getClass().getSimpleName() : message;
  }
}
