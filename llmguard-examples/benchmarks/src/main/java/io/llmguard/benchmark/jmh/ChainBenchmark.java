package io.llmguard.benchmark.jmh;

import io.llmguard.benchmark.upstream.Payload;
import io.llmguard.reactive.LlmGuardWebFilter;
import io.llmguard.servlet.LlmGuardFilter;
import jakarta.servlet.Filter;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.springframework.core.io.buffer.DataBuffer;
import org.springframework.core.io.buffer.DataBufferUtils;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.server.reactive.HttpHandler;
import org.springframework.mock.http.server.reactive.MockServerHttpResponse;
import org.springframework.mock.web.MockFilterChain;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.core.publisher.Mono;

/**
 * A chat of 600 bytes of prompt through a chain of each kind, bare and guarded, to a handler that
 * reads the body and answers at once: what the complete guard adds to a request.
 *
 * <p>No server stands behind the requests, so the difference of two bars is the guard's alone.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(2)
@SuppressWarnings("NullAway.Init") // JMH calls setUp before anything else
public class ChainBenchmark {
  private static final String PATH = "/api/chat";
  private static final URI URI_OF_CHAT = URI.create("http://127.0.0.1" + PATH);

  private DefaultGuard defaults;
  private byte[] question;
  private byte[] answer;
  private HttpHandler bareReactive;
  private HttpHandler guardedReactive;
  private LlmGuardFilter filter;
  private HttpServlet servlet;

  /** A public constructor, as JMH wants one. */
  public ChainBenchmark() {}

  /** Makes the chains. */
  @Setup(Level.Trial)
  public void setUp() {
    defaults = new DefaultGuard();
    question = Payload.PLAIN.requestBody();
    answer = Payload.PLAIN.answerBody().get(0);
    bareReactive = WebHttpHandlerBuilder.webHandler(this::answer).build();
    guardedReactive =
        WebHttpHandlerBuilder.webHandler(this::answer)
            .filter(new LlmGuardWebFilter(defaults.guard()))
            .build();
    filter = new LlmGuardFilter(defaults.guard());
    servlet = new Answering(answer);
  }

  /** Closes them. */
  @TearDown(Level.Trial)
  public void tearDown() {
    defaults.close();
  }

  private Mono<Void> answer(ServerWebExchange exchange) {
    return DataBufferUtils.join(exchange.getRequest().getBody())
        .flatMap(
            body -> {
              DataBufferUtils.release(body);
              exchange.getResponse().getHeaders().setContentType(MediaType.APPLICATION_JSON);
              DataBuffer bytes = exchange.getResponse().bufferFactory().wrap(answer);
              return exchange.getResponse().writeWith(Mono.just(bytes));
            });
  }

  private static final class Answering extends HttpServlet {
    private static final long serialVersionUID = 1L;
    private final transient byte[] answer;

    Answering(byte[] answer) {
      this.answer = answer;
    }

    @Override
    protected void service(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      request.getInputStream().readAllBytes();
      response.setContentType("application/json");
      response.getOutputStream().write(answer);
    }
  }

  private int reactive(HttpHandler chain) {
    MockServerHttpResponse response = new MockServerHttpResponse();
    HttpHeaders headers = new HttpHeaders();
    headers.add("Host", "127.0.0.1");
    headers.add("X-Api-Key", defaults.apiKey());
    headers.setContentType(MediaType.APPLICATION_JSON);
    headers.setContentLength(question.length);
    BenchHttpRequest request = new BenchHttpRequest(URI_OF_CHAT, headers, question);
    chain.handle(request, response).block();
    DataBufferUtils.release(Objects.requireNonNull(response.getBody().blockFirst()));
    HttpStatusCode status = response.getStatusCode();
    return checked(status == null ? 200 : status.value());
  }

  private int servlet(Filter... filters) throws ServletException, IOException {
    MockHttpServletRequest request = new MockHttpServletRequest("POST", PATH);
    request.setRemoteAddr("127.0.0.1");
    request.addHeader("Host", "127.0.0.1");
    request.addHeader("X-Api-Key", defaults.apiKey());
    request.setContentType("application/json");
    request.setContent(question);
    MockHttpServletResponse response = new MockHttpServletResponse();
    new MockFilterChain(servlet, filters).doFilter(request, response);
    return checked(response.getStatus());
  }

  private static int checked(int status) {
    if (status != 200) {
      throw new IllegalStateException("answered " + status);
    }
    return status;
  }

  /** A reactive chain without a filter. */
  @Benchmark
  public int bareReactive() {
    return reactive(bareReactive);
  }

  /** A reactive chain with the complete guard. */
  @Benchmark
  public int guardedReactive() {
    return reactive(guardedReactive);
  }

  /** A servlet chain without a filter. */
  @Benchmark
  public int bareServlet() throws ServletException, IOException {
    return servlet();
  }

  /** A servlet chain with the complete guard. */
  @Benchmark
  public int guardedServlet() throws ServletException, IOException {
    return servlet(filter);
  }
}
