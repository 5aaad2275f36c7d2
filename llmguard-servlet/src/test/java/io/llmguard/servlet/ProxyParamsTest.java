package io.llmguard.servlet;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.StandardGuard;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import jakarta.servlet.ServletRegistration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The proxy as a container makes it from {@code web.xml}. */
@Tag("container")
class ProxyParamsTest {
  private static final Recording CHAT = Recording.of("chat-stream");

  @Test
  void theProxyOfInitParamsCarriesCallsByTheBestTransportAtHand() throws Exception {
    try (ReplayUpstream upstream = ReplayUpstream.start();
        Engine.Running running =
            Engine.current()
                .start(
                    context -> {
                      new GuardFilter(StandardGuard.builder().build())
                          .addTo(context, "guard", "/*");
                      ServletRegistration.Dynamic servlet =
                          context.addServlet("llm", LlmProxyServlet.class);
                      servlet.setInitParameter("upstream", upstream.uri().toString());
                      servlet.setInitParameter("idle-timeout", "30s");
                      servlet.setAsyncSupported(true);
                      servlet.addMapping("/*");
                    },
                    null);
        RawHttp client = RawHttp.connect(running.port())) {
      client.post(CHAT.path(), CHAT.bodyText());
      assertThat(client.readHead().status()).isEqualTo(200);
      assertThat(client.readBody()).isEqualTo(CHAT.responseBody());
      // Jetty's client is on the class path of these tests
      assertThat(Thread.getAllStackTraces().keySet())
          .anyMatch(thread -> thread.getName().startsWith("llmguard-upstream"));
    }
  }
}
