package io.llmguard.ollama.internal;

import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.internal.http.BodyException;
import java.net.ConnectException;
import java.net.ProtocolException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpHeaders;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.regex.Pattern;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/** From statuses, error bodies and transport failures to the sealed family. */
public final class Errors {
  private static final int LONGEST_MESSAGE = 2048;
  private static final Pattern MODEL = Pattern.compile("\\bmodel\\b");

  private Errors() {}

  /** An answer whose status is none of success. */
  static OllamaException status(int status, HttpHeaders headers, byte[] body, Instant now) {
    @Nullable Duration retryAfter =
        headers.firstValue("Retry-After").map(value -> retryAfter(value, now)).orElse(null);
    String text = new String(body, StandardCharsets.UTF_8).strip();
    Map<String, @Nullable Object> json = Map.of();
    if (text.startsWith("{")) {
      try {
        json = Json.object(text);
      } catch (IllegalArgumentException e) {
        // an error page that is no JSON after all: its text is the message
      }
    }
    String message = message(json);
    if (status / 100 == 3) {
      message = redirected(headers);
    } else if (message.isEmpty()) {
      message = text.isEmpty() || text.startsWith("<") ? "no reason given" : text;
    }
    return of(status, shorten(message), signInUrl(json), retryAfter, !json.isEmpty());
  }

  /** Where to is all that a reader needs; the rest of such an address may hold a secret. */
  private static String redirected(HttpHeaders headers) {
    String to = "elsewhere";
    try {
      URI location = new URI(headers.firstValue("Location").orElse(""));
      if (location.getHost() != null) {
        to = location.getScheme() + "://" + location.getHost() + ":" + port(location);
      }
    } catch (URISyntaxException e) {
      // elsewhere, then
    }
    return "the server redirects to " + to + ", which is not followed: is the base URL right?";
  }

  /** An error object in mid-stream. */
  static OllamaException inStream(Map<String, @Nullable Object> json) {
    String message = message(json);
    return of(
        200, shorten(message.isEmpty() ? "no reason given" : message), signInUrl(json), null, true);
  }

  private static String message(Map<String, @Nullable Object> json) {
    Object error = json.get("error");
    if (error instanceof String text) {
      return text;
    }
    if (error instanceof Map<?, ?> object && object.get("message") instanceof String text) {
      return text;
    }
    for (String name : new String[] {"detail", "message", "title"}) {
      if (json.get(name) instanceof String text) {
        return text;
      }
    }
    return "";
  }

  private static @Nullable URI signInUrl(Map<String, @Nullable Object> json) {
    if (json.get("signin_url") instanceof String text) {
      try {
        return new URI(text);
      } catch (URISyntaxException e) {
        return null;
      }
    }
    return null;
  }

  private static OllamaException of(
      int status,
      String words,
      @Nullable URI signIn,
      @Nullable Duration retryAfter,
      boolean structured) {
    String lower = words.toLowerCase(Locale.ROOT);
    String message = status == 200 ? words : words + " (status " + status + ")";
    if (status == 401 || (status == 200 && (signIn != null || lower.equals("unauthorized")))) {
      return new OllamaException.Unauthorised(message, status, "", signIn);
    }
    if (status == 403) {
      return new OllamaException.Forbidden(message, status, "");
    }
    if (status == 429) {
      return new OllamaException.Limited(message, status, "", retryAfter);
    }
    if (status == 503 || lower.startsWith("server busy")) {
      return new OllamaException.Busy(message, status, "", retryAfter);
    }
    if (lower.contains("does not support ")) {
      return new OllamaException.CapabilityMissing(words, status, "");
    }
    if (structured && (status == 404 || status == 200) && noModel(lower)) {
      return new OllamaException.ModelNotFound(message, status, "");
    }
    if (status == 200 || status >= 500) {
      return new OllamaException.ServerFailed(message, status, "");
    }
    return new OllamaException.BadRequest(message, status, "");
  }

  /** Whether the words are about a model that is not there: a 404 may be about a path as well. */
  private static boolean noModel(String lower) {
    boolean absent = lower.contains("not found") || lower.contains("not exist");
    return absent && (MODEL.matcher(lower).find() || lower.contains("file does not exist"));
  }

  private static String shorten(String words) {
    return words.length() <= LONGEST_MESSAGE ? words : words.substring(0, LONGEST_MESSAGE) + "…";
  }

  private static @Nullable Duration retryAfter(String value, Instant now) {
    try {
      return Duration.ofSeconds(Math.max(0, Long.parseLong(value.strip())));
    } catch (NumberFormatException e) {
      try {
        Instant then =
            ZonedDateTime.parse(value.strip(), DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        return then.isBefore(now) ? Duration.ZERO : Duration.between(now, then);
      } catch (DateTimeException neither) {
        return null;
      }
    }
  }

  /** A failure before the head of the answer. */
  static OllamaException beforeHead(Throwable failure, URI server) {
    Throwable cause = unwrap(failure);
    if (cause instanceof OllamaException known) {
      return known;
    }
    String at = server.getHost() + ":" + port(server);
    if (cause instanceof HttpConnectTimeoutException) {
      return new OllamaException.TimedOut(
          "no connection to " + at + " within the connect time-out",
          "",
          OllamaException.TimedOut.Limit.CONNECT);
    }
    if (cause instanceof ConnectException
        || cause instanceof UnknownHostException
        || cause instanceof SSLHandshakeException
        || cause instanceof SSLPeerUnverifiedException) {
      return new OllamaException.Unreachable(
          "cannot connect to " + at + ": " + words(cause), cause);
    }
    if (cause instanceof RuntimeException) {
      // its words may hold what was to be sent: a header, a credential
      return new OllamaException.Malformed(
          "the request cannot be made: " + cause.getClass().getSimpleName(), 0, "");
    }
    if (cause instanceof BodyException && cause.getCause() instanceof ClosedByInterruptException) {
      return new OllamaException.Cancelled("the waiting thread was interrupted", "");
    }
    if (cause instanceof BodyException) {
      return new OllamaException.Malformed(
          "the request cannot be made: " + cause.getMessage(), 0, "");
    }
    if (cause instanceof ProtocolException) {
      return new OllamaException.Malformed(at + " does not speak HTTP", 0, "");
    }
    return new OllamaException.Truncated(
        "the connection to " + at + " ended before the answer began", 0, "");
  }

  /** The port of a server, also where its URL leaves it to the scheme. */
  public static int port(URI server) {
    if (server.getPort() >= 0) {
      return server.getPort();
    }
    return "https".equalsIgnoreCase(server.getScheme()) ? 443 : 80;
  }

  /** Whether a server's certificate, or ours, was refused: that another try would not mend. */
  static boolean certificateRefused(OllamaException failure) {
    for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof CertificateException || cause instanceof SSLPeerUnverifiedException) {
        return true;
      }
    }
    return false;
  }

  /** A failure after the head of the answer. */
  static OllamaException afterHead(Throwable failure) {
    Throwable cause = unwrap(failure);
    if (cause instanceof OllamaException known) {
      return known;
    }
    if (cause instanceof ProtocolException) {
      return new OllamaException.Malformed("the server sent what is no HTTP", 200, "");
    }
    return new OllamaException.Truncated(
        "the connection was cut in the middle of the answer", 200, "");
  }

  private static Throwable unwrap(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static String words(Throwable cause) {
    String message = cause.getMessage();
    if (message == null && cause.getCause() != null) {
      message = cause.getCause().getMessage();
    }
    return message == null ? cause.getClass().getSimpleName() : message;
  }
}
