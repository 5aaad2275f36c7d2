package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.servlet.internal.Conversation;
import io.llmguard.servlet.internal.RefusalWriter;
import io.llmguard.validate.Validation;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;

/**
 * Answers a reverse proxy that asks whether a call may pass, as {@link Validation} decides it.
 *
 * <p>It must be mapped with asynchronous support where a stage may answer later, and to {@code
 * /validate/*}, or the like, for a proxy that names the call in question by what follows on that.
 * Thread-safe.
 */
public final class ValidateServlet extends HttpServlet {
  private static final long serialVersionUID = 1L;

  private final transient Validation validation;

  /** A servlet that gives these answers. */
  public ValidateServlet(Validation validation) {
    this.validation = Objects.requireNonNull(validation);
  }

  /** A servlet over {@link Validation#Validation these guards}. */
  public ValidateServlet(
      Guard calls, Guard callers, ClientAddressResolver proxies, EndpointCatalogue catalogue) {
    this(new Validation(calls, callers, proxies, catalogue));
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response) {
    CompletableFuture<Validation.Answer> answer =
        validation
            .ask(new Conversation(request, response, 1, false), pathBelow(request))
            .toCompletableFuture();
    if (answer.isDone()) {
      write(response, answer.join());
      return;
    }
    AsyncContext context = request.startAsync();
    var unused =
        answer.whenComplete(
            (decided, e) -> {
              try {
                if (decided != null) {
                  write(response, decided);
                } else {
                  response.setStatus(500);
                }
              } finally {
                context.complete();
              }
            });
  }

  /** What follows in the path on the servlet's own, undecoded. */
  private static String pathBelow(HttpServletRequest request) {
    String path = request.getRequestURI();
    String own = request.getContextPath() + request.getServletPath();
    return path.startsWith(own) && path.startsWith("/", own.length())
        ? path.substring(own.length())
        : "";
  }

  private static void write(HttpServletResponse response, Validation.Answer answer) {
    response.setStatus(answer.status());
    RefusalWriter.set(response, answer.headers());
  }
}
