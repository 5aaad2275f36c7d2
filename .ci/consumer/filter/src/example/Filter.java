package example;

import io.llmguard.TimeSource;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.key.IssuedKey;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.RateLimit;
import io.llmguard.servlet.LlmGuardFilter;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.time.Duration;
import org.apache.catalina.Context;
import org.apache.catalina.startup.Tomcat;

/** Puts all guards in front of a servlet. */
public final class Filter {
  public static void main(String[] args) throws Exception {
    MemoryKeyStore store = new MemoryKeyStore();
    IssuedKey issued = new KeyIssuer(store, TimeSource.system()).issue("ci", options -> options);
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(Files.createTempDirectory("consumer").toString());
    tomcat.setPort(0);
    try (KeyDirectory keys = KeyDirectory.builder(store).open()) {
      Context context = tomcat.addContext("", null);
      Tomcat.addServlet(context, "application", new Application());
      context.addServletMappingDecoded("/*", "application");
      context.addServletContainerInitializer(
          (classes, servlets) ->
              LlmGuardFilter.builder()
                  .authenticator(ApiKeyAuthenticator.builder().keys(keys).build())
                  .perCaller(new RateLimit(10, Duration.ofMinutes(1), 5))
                  .build()
                  .addTo(servlets, "llmguard", "/*"),
          null);
      tomcat.getConnector();
      tomcat.start();
      int without = status(tomcat, "none");
      int with = status(tomcat, issued.key().reveal());
      if (without != 401 || with != 200) {
        throw new IllegalStateException("without a key " + without + ", with it " + with);
      }
      System.out.println("llmguard-servlet alone: without a key 401, with it 200");
    } finally {
      tomcat.stop();
      tomcat.destroy();
    }
  }

  private static int status(Tomcat tomcat, String key) throws Exception {
    URI url = URI.create("http://127.0.0.1:" + tomcat.getConnector().getLocalPort());
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(url.resolve("/api/version")).header("X-Api-Key", key).build(),
            HttpResponse.BodyHandlers.discarding())
        .statusCode();
  }

  private static final class Application extends HttpServlet {
    private static final long serialVersionUID = 1L;

    @Override
    protected void doGet(HttpServletRequest request, HttpServletResponse response)
        throws IOException {
      response.setContentType("application/json");
      response.getWriter().print("{\"version\":\"1.2.3\"}");
    }
  }
}
