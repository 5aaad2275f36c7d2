package io.llmguard.servlet;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Guard;
import io.llmguard.Outcome;
import io.llmguard.network.ClientAddressResolver;
import io.llmguard.policy.EndpointCatalogue;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

/** Waits for a decision that the container breaks off. */
class BrokenWaitTest extends ChainTestBase {
  private final CompletableFuture<Void> decided = new CompletableFuture<>();
  private final AtomicInteger completed = new AtomicInteger();

  private Guard late() {
    return Guard.builder()
        .stage(observer())
        .stage(stage("late", exchange -> decided.thenCompose(nothing -> exchange.admit())))
        .build();
  }

  /** An object of an interface whose methods answer so, and nothing otherwise. */
  private static <T> T answering(Class<T> type, Map<String, Supplier<Object>> answers) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, args) -> {
              Supplier<Object> answer = answers.get(method.getName());
              if (answer != null) {
                return answer.get();
              }
              Class<?> result = method.getReturnType();
              return result == boolean.class ? (Object) false : result == int.class ? 0 : null;
            }));
  }

  private HttpServletRequest request() {
    AsyncContext context =
        answering(AsyncContext.class, Map.of("complete", completed::incrementAndGet));
    ServletContext application =
        answering(ServletContext.class, Map.of("getContextPath", () -> ""));
    return answering(
        HttpServletRequest.class,
        Map.of(
            "getMethod", () -> "GET",
            "getRequestURI", () -> "/api/tags",
            "getContextPath", () -> "",
            "getServletPath", () -> "/api/tags",
            "getProtocol", () -> "HTTP/1.1",
            "getRemoteAddr", () -> "127.0.0.1",
            "getServletContext", () -> application,
            "startAsync", () -> context));
  }

  @Test
  void aCallAdmittedAfterAnInterruptedWaitIsSettled() throws Exception {
    GuardFilter filter = new GuardFilter(late());
    HttpServletResponse response = answering(HttpServletResponse.class, Map.of());
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> filter.doFilter(request(), response, (asked, answered) -> {}))
        .isInstanceOf(ServletException.class);
    assertThat(Thread.interrupted()).isTrue();
    decided.complete(null);
    assertThat(nextEnded().outcome()).isEqualTo(Outcome.CLIENT_GONE);
  }

  @Test
  void anAnswerToAProxyThatCannotBeWrittenEndsItsRequest() {
    ValidateServlet servlet =
        new ValidateServlet(
            late(), late(), ClientAddressResolver.direct(), EndpointCatalogue.standard());
    HttpServletResponse response =
        answering(
            HttpServletResponse.class,
            Map.of(
                "setStatus",
                () -> {
                  throw new IllegalStateException("recycled");
                }));
    servlet.service(request(), response);
    assertThat(completed).hasValue(0);
    decided.complete(null);
    assertThat(completed).hasValue(1);
  }
}
