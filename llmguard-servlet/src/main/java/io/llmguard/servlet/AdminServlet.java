package io.llmguard.servlet;

import io.llmguard.Exchange;
import io.llmguard.admin.AdminAnswer;
import io.llmguard.admin.AdminApi;
import io.llmguard.servlet.internal.RefusalWriter;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Objects;

/**
 * Answers the calls of an {@link AdminApi} that a guard has admitted.
 *
 * <p>It stands behind a {@link LlmGuardFilter} whose guard has the API's routes ({@link
 * AdminApi#addTo}) and reads its bodies ({@link AdminApi#bodies}), mapped to {@link
 * AdminApi#servletPatterns}; without one it answers 500. A call holds its thread until the key
 * store has answered. Thread-safe.
 */
public final class AdminServlet extends HttpServlet {
  private static final long serialVersionUID = 1L;

  private final transient AdminApi api;

  /** A servlet of this API, which stays its owner's. */
  public AdminServlet(AdminApi api) {
    this.api = Objects.requireNonNull(api);
  }

  @Override
  protected void service(HttpServletRequest request, HttpServletResponse response)
      throws ServletException, IOException {
    Exchange exchange = GuardFilter.exchange(request);
    if (exchange == null) {
      throw new ServletException("no guard has admitted this call: put LlmGuardFilter before it");
    }
    AdminAnswer answer = api.handle(exchange);
    ByteBuffer body = answer.body();
    byte[] bytes = new byte[body.remaining()];
    body.get(bytes);
    response.setStatus(answer.status());
    RefusalWriter.set(response, answer.headers());
    response.setContentLength(bytes.length);
    response.getOutputStream().write(bytes);
  }
}
