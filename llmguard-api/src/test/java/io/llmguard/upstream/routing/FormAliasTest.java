package io.llmguard.upstream.routing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Headers;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.FormStage;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.testkit.TestRequest;
import io.llmguard.upstream.ClientResponse;
import io.llmguard.upstream.JdkTransport;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.RetryPolicy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.jetty.JettyTransport;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An alias in a form, with the model's field before or after a large file. */
@Timeout(60)
class FormAliasTest {
  private static final String SOUND = "RIFF".repeat(50_000);

  @TempDir private Path folder = Path.of("");

  FormAliasTest() {}

  private static String form(String model, boolean first) {
    String field =
        "--0123456789edge\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n"
            + model
            + "\r\n";
    String file =
        "--0123456789edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n"
            + "Content-Type: audio/wav\r\n\r\n"
            + SOUND
            + "\r\n";
    return (first ? field + file : file + field) + "--0123456789edge--\r\n";
  }

  @ParameterizedTest
  @CsvSource({"jetty,true", "jetty,false", "jdk,true", "jdk,false"})
  void theFieldIsRenamedAndEveryOtherByteStays(String kind, boolean first) throws Exception {
    TransportSettings settings = TransportSettings.builder().build();
    try (ReplayUpstream server = ReplayUpstream.start();
        UpstreamTransport transport =
            kind.equals("jdk") ? new JdkTransport(settings) : new JettyTransport(settings);
        Guard guard =
            Guard.builder()
                .stage(new EndpointStage(EndpointCatalogue.standard()))
                .stage(new FormStage(folder, 10_000_000))
                .build()) {
      // refused once, so that the form is sent a second time
      server.enqueue(Answer.status(503, "application/json", "{}"));
      server.enqueue(Answer.plain("application/json", "{\"text\":\"hello\"}"));
      Upstream upstream = Upstream.builder("one", server.uri(), transport).build();
      Proxy proxy =
          Proxy.builder(
                  DeploymentRouter.to(
                      List.of(Deployment.of("my-whisper", upstream, "whisper-large-v3:q5"))))
              .retries(
                  RetryPolicy.builder(1).waits(Duration.ofMillis(1), Duration.ofMillis(1)).build())
              .build();
      Exchange exchange =
          ((Decision.Admit)
                  guard
                      .admit(
                          TestRequest.post("/v1/audio/transcriptions", form("my-whisper", first))
                              .header(
                                  "Content-Type", "multipart/form-data; boundary=0123456789edge"))
                      .toCompletableFuture()
                      .get(20, TimeUnit.SECONDS))
              .exchange();
      Client client = new Client();
      var unused = proxy.forward(exchange, client);
      assertThat(client.status.get(20, TimeUnit.SECONDS)).isEqualTo(200);
      assertThat(exchange.retries()).isEqualTo(1);
      String sent = form("whisper-large-v3:q5", first);
      for (int i = 0; i < 2; i++) {
        assertThat(new String(server.takeRequest().body().bytes(), UTF_8)).isEqualTo(sent);
      }
    }
  }

  private static final class Client implements ClientResponse {
    private final CompletableFuture<Integer> status = new CompletableFuture<>();

    @Override
    public void head(int code, Headers headers) {
      status.complete(code);
    }

    @Override
    public void write(ByteBuffer chunk, boolean flush, WriteCallback written) {
      chunk.position(chunk.limit());
      written.written();
    }

    @Override
    public void end() {}

    @Override
    public void abort() {
      status.complete(-1);
    }
  }
}
