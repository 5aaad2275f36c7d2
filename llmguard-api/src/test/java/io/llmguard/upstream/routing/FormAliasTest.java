package io.llmguard.upstream.routing;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Headers;
import io.llmguard.Refusal;
import io.llmguard.inspect.InspectionStage;
import io.llmguard.inspect.Reaction;
import io.llmguard.inspect.SensitiveData;
import io.llmguard.inspect.SensitiveKind;
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
import org.junit.jupiter.api.Test;
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

  private static String field(String name, String value) {
    return "--0123456789edge\r\nContent-Disposition: form-data; name=\""
        + name
        + "\"\r\n\r\n"
        + value
        + "\r\n";
  }

  private Decision inspected(Reaction reaction, String form) throws Exception {
    try (Guard guard =
        Guard.builder()
            .stage(new EndpointStage(EndpointCatalogue.standard()))
            .stage(new FormStage(folder, 10_000_000))
            .stage(
                InspectionStage.builder()
                    .prompts(SensitiveData.of("data", SensitiveKind.personalData(), reaction))
                    .build())
            .build()) {
      return guard
          .admit(
              TestRequest.post("/v1/audio/transcriptions", form)
                  .header("Content-Type", "multipart/form-data; boundary=0123456789edge"))
          .toCompletableFuture()
          .get(20, TimeUnit.SECONDS);
    }
  }

  @ParameterizedTest
  @CsvSource({"true,prompt", "false,prompt", "true,hotwords", "false,hotwords"})
  void whatAFormsTextsMayNotSayIsReplacedThereBesideTheModelsName(boolean first, String name)
      throws Exception {
    String secret = field(name, "Ask alice@example.com and bob@example.com.");
    String form = first ? secret + form("my-whisper", true) : form("my-whisper", true);
    if (!first) {
      form = form.replace("--0123456789edge--", secret + "--0123456789edge--");
    }
    Exchange exchange = ((Decision.Admit) inspected(Reaction.REDACT, form)).exchange();
    try (ReplayUpstream server = ReplayUpstream.start();
        UpstreamTransport transport = new JdkTransport(TransportSettings.builder().build())) {
      server.enqueue(Answer.plain("application/json", "{\"text\":\"hello\"}"));
      Upstream upstream = Upstream.builder("one", server.uri(), transport).build();
      Client client = new Client();
      var unused =
          Proxy.builder(
                  DeploymentRouter.to(
                      List.of(Deployment.of("my-whisper", upstream, "whisper-large-v3:q5"))))
              .build()
              .forward(exchange, client);
      assertThat(client.status.get(20, TimeUnit.SECONDS)).isEqualTo(200);
      assertThat(new String(server.takeRequest().body().bytes(), UTF_8))
          .isEqualTo(
              form.replace("alice@example.com", "[email]")
                  .replace("bob@example.com", "[email]")
                  .replace("my-whisper", "whisper-large-v3:q5"));
    }
  }

  @Test
  void aFormIsRefusedForWhatItSaysAndWhereNobodyCanTell() throws Exception {
    String sound = form("my-whisper", true);
    for (String[] one :
        new String[][] {
          {"Ask alice@example.com.", "content-data-email"},
          {"a".repeat(70_000), "content-data-unreadable"}
        }) {
      Refusal refusal =
          ((Decision.Refuse) inspected(Reaction.REFUSE, field("prompt", one[0]) + sound)).refusal();
      assertThat(refusal.status()).isEqualTo(400);
      assertThat(refusal.reason()).isEqualTo(one[1]);
    }
    assertThat(inspected(Reaction.REFUSE, field("prompt", "The sea.") + sound))
        .isInstanceOf(Decision.Admit.class);
    assertThat(inspected(Reaction.REFUSE, sound)).isInstanceOf(Decision.Admit.class);
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
