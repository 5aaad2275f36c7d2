package io.llmguard.servlet;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llmguard.Guard;
import io.llmguard.testkit.AnyMomentContract;
import io.llmguard.upstream.Proxy;
import jakarta.servlet.ServletRegistration;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Tag;

/** The same where an application of its own stands behind the guard: it reads, and then streams. */
@Tag("container")
class ApplicationAnyMomentTest extends AnyMomentContract {
  private static final byte[] PIECE =
      "{\"message\":{\"content\":\"x\"},\"done\":false}\n".getBytes(UTF_8);

  @Override
  protected Server start(Guard guard, Proxy proxy) throws Exception {
    return new Gateway(
        Engine.current()
            .start(
                context -> {
                  LlmGuardFilter filter = new LlmGuardFilter(guard);
                  filter.bodyDeadline(BODY_DEADLINE);
                  filter.addTo(context, "guard", "/*");
                  ServletRegistration.Dynamic servlet =
                      context.addServlet("application", new Application());
                  servlet.addMapping("/*");
                  servlet.setAsyncSupported(true);
                },
                null));
  }

  private static final class Application extends HttpServlet {
    private static final long serialVersionUID = 1L;

    private final AtomicInteger reads = new AtomicInteger();

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      if (reads.getAndIncrement() % 2 == 0) {
        request.getInputStream().readAllBytes();
      } else {
        request.getReader().lines().forEach(line -> {});
      }
      response.setContentType("application/x-ndjson");
      for (int i = 0; i < 8; i++) {
        response.getOutputStream().write(PIECE);
        response.flushBuffer();
      }
    }
  }
}
