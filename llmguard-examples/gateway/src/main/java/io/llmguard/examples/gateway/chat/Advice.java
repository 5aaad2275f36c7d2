package io.llmguard.examples.gateway.chat;

import io.llmguard.ollama.OllamaException;
import java.time.Duration;
import java.util.Optional;

/** What a failed call means to the person at the terminal, and what to do next. */
public final class Advice {
  private Advice() {}

  /** One line for a failure of a call to a server. */
  public static String on(OllamaException failure, String url) {
    return Printable.of(of(failure, url, String.valueOf(failure.getMessage())));
  }

  private static String of(OllamaException failure, String url, String said) {
    if (failure instanceof OllamaException.Unreachable) {
      return said + ". Is the gateway running (serve), and is --url " + url + " right?";
    }
    if (failure instanceof OllamaException.Unauthorised) {
      return said
          + ". Give a key that is valid in $LLMGUARD_API_KEY or --key-file; key create --name NAME"
          + " makes one";
    }
    if (failure instanceof OllamaException.Forbidden) {
      return said + ". The key may not do this: key list shows what it may";
    }
    if (failure instanceof OllamaException.ModelNotFound) {
      return said + ". /models lists those that there are; --model names one";
    }
    if (failure instanceof OllamaException.Limited limited) {
      return said + ". " + again(limited.retryAfter());
    }
    if (failure instanceof OllamaException.Busy busy) {
      return said + ". " + again(busy.retryAfter());
    }
    if (failure instanceof OllamaException.BadRequest
        || failure instanceof OllamaException.CapabilityMissing) {
      return said;
    }
    if (failure instanceof OllamaException.Cancelled) {
      return "cancelled";
    }
    return said + ". The answer is not complete: ask again, or look at the server's log";
  }

  private static String again(Optional<Duration> wait) {
    return wait.map(time -> "Ask again in " + Math.max(1, (time.toMillis() + 999) / 1000) + " s")
        .orElse("Ask again in a while");
  }
}
