package io.llmguard.examples.webapp;

import io.llmguard.TimeSource;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditStage;
import io.llmguard.audit.JsonLinesAuditSink;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.jdbc.JdbcKeyStore;
import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.key.KeyDirectory;
import io.llmguard.limit.CallerRateLimitStage;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.servlet.ApiKeyFilter;
import io.llmguard.servlet.AuditFilter;
import io.llmguard.servlet.LlmGuardFilter;
import io.llmguard.servlet.LlmProxyServlet;
import io.llmguard.servlet.RateLimitFilter;
import jakarta.servlet.ServletContext;
import jakarta.servlet.ServletContextEvent;
import jakarta.servlet.ServletContextListener;
import jakarta.servlet.ServletRegistration;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Map;

/** The guards of {@code web.xml}, registered in code: named in {@code web-in-code.xml}. */
public final class GuardsInCode implements ServletContextListener {
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  @Override
  public void contextInitialized(ServletContextEvent event) {
    try {
      register(event.getServletContext());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void register(ServletContext context) throws IOException {
    Path data = Path.of(Settings.data());
    SqliteDataSource database = opened(SqliteDataSource.open(data.resolve("llmguard.db")));
    KeyDirectory keys = opened(KeyDirectory.builder(new JdbcKeyStore(database)).open());
    InMemoryRateLimitStore counters = opened(new InMemoryRateLimitStore(TimeSource.system()));
    AuditQueue audit =
        opened(
            AuditQueue.to(JsonLinesAuditSink.builder(data.resolve("audit.jsonl")).open()).build());
    ApiKeyAuthenticator authenticator = ApiKeyAuthenticator.builder().keys(keys).build();
    RateLimit perKey = new RateLimit(10, Duration.ofMinutes(1), 5);

    // the application's own servlet: who calls, and how often
    new AuditFilter(new AuditStage(audit)).addTo(context, "ask-audit", "/ask");
    new ApiKeyFilter(authenticator).addTo(context, "ask-keys", "/ask");
    new RateLimitFilter(
            new CallerRateLimitStage(counters, new LimitSet(perKey, null, null, Map.of())))
        .addTo(context, "ask-limit", "/ask");

    // the LLM server's own API: everything, and the same counters
    LlmGuardFilter.builder()
        .audit(audit)
        .authenticator(authenticator)
        .counters(counters)
        .perCaller(perKey)
        .concurrency(4, 32)
        .build()
        .addTo(context, "llm-guard", "/api/*", "/v1/*");
    ServletRegistration.Dynamic proxy = context.addServlet("llm", LlmProxyServlet.class);
    proxy.setInitParameter("upstream", Settings.ollama());
    proxy.setAsyncSupported(true);
    proxy.addMapping("/api/*", "/v1/*");
  }

  private <T extends AutoCloseable> T opened(T resource) {
    opened.push(resource);
    return resource;
  }

  @Override
  public void contextDestroyed(ServletContextEvent event) {
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        event.getServletContext().log("closing failed", e);
      }
    }
  }
}
