package io.llmguard.ollama.internal;

import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.internal.http.HttpCall;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One exchange with one server. The call's reader goes on with it; {@link #cancel} is for any
 * thread.
 */
final class Attempt {
  private static final int LONGEST_ERROR = 64 * 1024;

  /** What {@link #advance} came to. */
  enum Progress {
    WAITING,
    BYTES,
    END
  }

  private final LiveCall<?, ?> call;
  private final int number;
  private final int server;
  private volatile boolean cancelled;
  private volatile @Nullable HttpCall exchange;
  private volatile @Nullable ScheduledFuture<?> connectAlarm;
  private @Nullable ByteArrayOutputStream refusal;

  Attempt(LiveCall<?, ?> call, int number, int server) {
    this.call = call;
    this.number = number;
    this.server = server;
  }

  int number() {
    return number;
  }

  int server() {
    return server;
  }

  /** Whether the answer's head has come. */
  boolean answered() {
    HttpCall current = exchange;
    return current != null && current.status() != 0;
  }

  /** Whether the request is sent, or answered before it was. */
  boolean sent() {
    HttpCall current = exchange;
    return current != null && current.sent();
  }

  /** Gives the call up, unless it has come to its end by itself. */
  void cancel() {
    cancelled = true;
    HttpCall current = exchange;
    if (current != null) {
      current.close();
    }
    disarm();
  }

  /**
   * Goes on as far as it goes without waiting.
   *
   * @throws EarlyFailure where nothing of a good answer has come
   * @throws OllamaException where the answer broke off
   */
  Progress advance(LineBuffer lines) {
    HttpCall current = exchange;
    if (current == null) {
      current = begin();
    }
    try {
      return steps(current, lines);
    } catch (IOException e) {
      disarm();
      ByteArrayOutputStream told = refusal;
      if (told != null) {
        throw new EarlyFailure(status(current, told), false);
      }
      if (current.status() / 100 == 2) {
        throw Errors.afterHead(e);
      }
      OllamaException known = Errors.beforeHead(e, call.transport().server(server));
      boolean nothingDone =
          known instanceof OllamaException.Unreachable || known instanceof OllamaException.TimedOut;
      throw new EarlyFailure(known, nothingDone);
    }
  }

  private Progress steps(HttpCall current, LineBuffer lines) throws IOException {
    while (true) {
      ByteArrayOutputStream told = refusal;
      HttpCall.Progress progress =
          current.advance(
              told == null ? lines::add : (bytes, from, count) -> keep(told, bytes, from, count));
      switch (progress) {
        case WAITING -> {
          if (connectAlarm == null && current.connecting()) {
            arm(current);
          }
          return Progress.WAITING;
        }
        case HEAD -> {
          disarm();
          if (current.status() / 100 == 2) {
            call.transport().worked(server);
          } else {
            refusal = new ByteArrayOutputStream();
          }
        }
        case BYTES -> {
          if (told == null) {
            return Progress.BYTES;
          }
          if (told.size() >= LONGEST_ERROR) {
            current.close();
            throw new EarlyFailure(status(current, told), false);
          }
        }
        case END -> {
          if (told != null) {
            throw new EarlyFailure(status(current, told), false);
          }
          return Progress.END;
        }
      }
    }
  }

  private static void keep(ByteArrayOutputStream told, byte[] bytes, int from, int count) {
    told.write(bytes, from, Math.min(count, LONGEST_ERROR - told.size()));
  }

  private OllamaException status(HttpCall current, ByteArrayOutputStream told) {
    return Errors.status(
        current.status(),
        current.headers(),
        told.toByteArray(),
        call.transport().settings().time().now());
  }

  private HttpCall begin() {
    Transport transport = call.transport();
    HttpCall made =
        new HttpCall(
            transport.connections(),
            request(transport),
            call.spec().body(),
            call.spec().readOnly(),
            call::ready,
            call::sending);
    exchange = made;
    if (cancelled) {
      made.close();
    }
    return made;
  }

  private HttpRequest request(Transport transport) {
    try {
      return transport.request(call.spec(), transport.server(server), call.observed().headers());
    } catch (RuntimeException e) {
      // the class alone says what failed: message and cause may hold the credential
      throw new EarlyFailure(
          new OllamaException.Malformed(
              "the request cannot be made: " + e.getClass().getSimpleName(), 0, ""),
          false);
    }
  }

  private void arm(HttpCall made) {
    Transport transport = call.transport();
    Duration limit = transport.settings().timeouts().connect();
    try {
      connectAlarm =
          transport.timer().schedule(made::connectTooLate, limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException closed) {
      // a closed client cancels its calls
      connectAlarm = null;
    }
  }

  private void disarm() {
    ScheduledFuture<?> alarm = connectAlarm;
    if (alarm != null) {
      connectAlarm = null;
      alarm.cancel(false);
    }
  }

  /** A failure before anything of a good answer: another attempt may follow. */
  static final class EarlyFailure extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final transient OllamaException failure;
    private final boolean nothingDone;

    EarlyFailure(OllamaException failure, boolean nothingDone) {
      super(null, failure, false, false);
      this.failure = failure;
      this.nothingDone = nothingDone;
    }

    OllamaException failure() {
      return failure;
    }

    /** Whether the server cannot have done anything. */
    boolean nothingDone() {
      return nothingDone;
    }
  }
}
