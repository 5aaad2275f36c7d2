package io.llmguard.servlet;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Stage;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.TestAuthority;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterRegistration;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRegistration;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.InetAddress;
import java.util.EnumSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;

/** An application of one servlet behind filters, on the engine of this run. */
abstract class ChainTestBase {
  /** What an application does with a call. */
  interface Work {
    void serve(HttpServletRequest request, HttpServletResponse response)
        throws IOException, ServletException;
  }

  /** A call that has ended. */
  record Ended(Exchange exchange, Outcome outcome) {}

  private final BlockingQueue<Ended> ended = new LinkedBlockingQueue<>();
  private Engine.@Nullable Running running;

  @AfterEach
  void stop() throws IOException {
    Engine.Running was = running;
    running = null;
    if (was != null) {
      was.close();
    }
  }

  /** Starts an application whose filters this adds. */
  void start(Engine.Application filters, Work work) throws Exception {
    start(filters, work, null);
  }

  /** The same, with a port for TLS. */
  void start(Engine.Application filters, Work work, @Nullable TestAuthority authority)
      throws Exception {
    running =
        Engine.current()
            .start(
                context -> {
                  filters.configure(context);
                  ServletRegistration.Dynamic servlet =
                      context.addServlet("application", new Application(work));
                  servlet.addMapping("/*");
                  servlet.setAsyncSupported(true);
                },
                authority);
  }

  private static final class Application extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private final transient Work work;

    Application(Work work) {
      this.work = work;
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws ServletException, IOException {
      work.serve(request, response);
    }
  }

  /** Maps a filter to every path, for these dispatches. */
  static FilterRegistration.Dynamic map(
      ServletContext context, String name, Filter filter, DispatcherType... types) {
    FilterRegistration.Dynamic registration = context.addFilter(name, filter);
    registration.setAsyncSupported(true);
    EnumSet<DispatcherType> set = EnumSet.of(DispatcherType.REQUEST, types);
    registration.addMappingForUrlPatterns(set, true, "/*");
    return registration;
  }

  RawHttp connect() throws IOException {
    if (running == null) {
      throw new IllegalStateException("not started");
    }
    return RawHttp.connect(running.port());
  }

  /** A connection over TLS. */
  RawHttp connect(SSLContext tls) throws IOException {
    if (running == null) {
      throw new IllegalStateException("not started");
    }
    return RawHttp.over(
        tls.getSocketFactory().createSocket(InetAddress.getLoopbackAddress(), running.tlsPort()));
  }

  /** A stage that lets every call pass and tells of its end. */
  Stage observer() {
    return stage("observer", Exchange::admit);
  }

  /** A stage that decides so and tells of the call's end. */
  Stage stage(String name, Function<Exchange, CompletionStage<Decision>> decide) {
    return new Stage() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public CompletionStage<Decision> decide(Exchange exchange) {
        return decide.apply(exchange);
      }

      @Override
      public void settle(Exchange exchange, Outcome outcome) {
        ended.add(new Ended(exchange, outcome));
      }
    };
  }

  Ended nextEnded() throws InterruptedException {
    Ended next = ended.poll(20, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("no call has ended within 20 s");
    }
    return next;
  }

  boolean nothingElseEnded() {
    return ended.isEmpty();
  }
}
