package io.llmguard.policy;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.auth.Caller;
import io.llmguard.limit.LimitListener.Event;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.RequestReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class CeilingStageTest {
  private final List<Event> heard = new ArrayList<>();

  CeilingStageTest() {}

  private static Ceilings ceilings(Ceilings.Mode mode) {
    return Ceilings.builder()
        .mode(mode)
        .maxOutputTokens(10)
        .maxContextTokens(100)
        .maxKeepAlive(Duration.ofMinutes(5))
        .maxLogprobs(2)
        .maxChoices(1)
        .loadOptions(false)
        .build();
  }

  private Decision ask(Ceilings.Mode mode, boolean shadow, String path, String body) {
    return Guard.builder()
        .stage(new Known())
        .stage(new EndpointStage(EndpointCatalogue.standard()))
        .stage(new BodyStage(RequestReader.create(), 10_000))
        .stage(
            new CeilingStage(
                ceilings(mode),
                shadow,
                (policy, event) -> {
                  assertThat(policy).isEqualTo("ceiling");
                  heard.add(event);
                }))
        .build()
        .admit(TestRequest.post(path, body))
        .toCompletableFuture()
        .join();
  }

  /** A caller who may do everything. */
  private static final class Known implements Stage {
    @Override
    public String name() {
      return "known";
    }

    @Override
    public CompletionStage<Decision> decide(Exchange exchange) {
      exchange.caller(Caller.builder(Caller.Kind.OTHER, "me").scopes(Set.of(Scope.ADMIN)).build());
      return exchange.admit();
    }
  }

  private static String sent(Decision decision) {
    RequestBody body = ((Decision.Admit) decision).exchange().body();
    return UTF_8.decode(((RequestBody.InMemory) body).content()).toString();
  }

  private static String chat(String more) {
    return "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}]" + more + "}";
  }

  @ParameterizedTest
  @EnumSource(Ceilings.Mode.class)
  void inShadowWhatIsAboveACeilingIsReportedAndGoesOnAsItCame(Ceilings.Mode mode) {
    for (String more :
        new String[] {
          ",\"options\":{\"num_predict\":11}",
          ",\"options\":{\"num_predict\":-1}",
          ",\"options\":{\"num_ctx\":101}",
          ",\"options\":{\"num_gpu\":1}",
          ",\"keep_alive\":\"6m\"",
          ",\"logprobs\":true,\"top_logprobs\":3"
        }) {
      heard.clear();
      String body = chat(more);
      Decision decision = ask(mode, true, "/api/chat", body);
      assertThat(sent(decision)).isEqualTo(body);
      assertThat(heard).as(more).containsExactly(Event.SHADOW_REFUSED);
    }
    heard.clear();
    String body = chat(",\"n\":2");
    assertThat(sent(ask(mode, true, "/v1/chat/completions", body))).isEqualTo(body);
    assertThat(heard).containsExactly(Event.SHADOW_REFUSED);
  }

  @Test
  void inShadowACallKeepsWhatItAskedFor() {
    Decision decision =
        ask(Ceilings.Mode.CLAMP, true, "/api/chat", chat(",\"options\":{\"num_predict\":11}"));
    var call = Objects.requireNonNull(((Decision.Admit) decision).exchange().call());
    assertThat(call.maxOutputTokens()).isEqualTo(11);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", ",\"options\":{\"num_predict\":10,\"num_ctx\":100}"})
  void inShadowWhatIsWithinTheCeilingsIsAdmitted(String more) {
    assertThat(sent(ask(Ceilings.Mode.CLAMP, true, "/api/chat", chat(more)))).isEqualTo(chat(more));
    assertThat(heard).containsExactly(Event.ADMITTED);
  }

  @Test
  void inShadowFilesOfTheServerAreStillNotRead() {
    String body =
        "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\","
            + "\"image_url\":{\"url\":\"file:///etc/passwd\"}}]}]}";
    Decision decision = ask(Ceilings.Mode.CLAMP, true, "/v1/chat/completions", body);
    assertThat(((Decision.Refuse) decision).refusal().reason()).isEqualTo("local-media");
    assertThat(heard).containsExactly(Event.REFUSED);
  }

  @Test
  void heldCeilingsAreReportedToo() {
    String above = chat(",\"options\":{\"num_predict\":11}");
    assertThat(sent(ask(Ceilings.Mode.CLAMP, false, "/api/chat", above)))
        .contains("\"num_predict\":10");
    assertThat(ask(Ceilings.Mode.REFUSE, false, "/api/chat", above))
        .isInstanceOf(Decision.Refuse.class);
    assertThat(heard).containsExactly(Event.ADMITTED, Event.REFUSED);
  }
}
