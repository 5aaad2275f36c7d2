package io.llmguard.inprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.TimeSource;
import io.llmguard.assembly.GuardAssembly;
import io.llmguard.assembly.GuardSettings;
import io.llmguard.assembly.GuardSettings.Ceilings;
import io.llmguard.assembly.GuardSettings.RateLimits;
import io.llmguard.assembly.GuardSettings.TokenLimit;
import io.llmguard.auth.Caller;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.OllamaException;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.EndObserver;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.wire.Operation;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class InProcessGuardTest {
  private static final Recording CHAT = Recording.of("chat-once");

  private final KeyDirectory keys = KeyDirectory.builder(new MemoryKeyStore()).open();
  private final InMemoryRateLimitStore counters = new InMemoryRateLimitStore(TimeSource.system());
  private final List<Exchange> ended = new ArrayList<>();
  private final List<String> outcomes = new ArrayList<>();

  @AfterEach
  void close() {
    keys.close();
    counters.close();
  }

  private void ended(Exchange exchange, Outcome outcome) {
    ended.add(exchange);
    outcomes.add(outcome.word());
  }

  private static GuardSettings settings(RateLimits limits, Ceilings ceilings) {
    GuardSettings usual = GuardSettings.DEFAULTS;
    return new GuardSettings(
        usual.dataDir(),
        null,
        true,
        List.of(),
        List.of(),
        null,
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        usual.plainHttp(),
        null,
        limits,
        usual.concurrency(),
        usual.limits(),
        ceilings,
        usual.audit(),
        usual.contentGuards());
  }

  private InProcessGuard guard(GuardSettings settings) {
    return GuardAssembly.builder(settings, keys, counters)
        .observer(new EndObserver(this::ended))
        .build()
        .forOwnCalls();
  }

  private static Caller caller(Caller.Builder builder) {
    return builder.name("nightly report").build();
  }

  private static Caller.Builder job() {
    return Caller.builder(Caller.Kind.OTHER, "job:report");
  }

  private static ChatRequest request(String model) {
    return ChatRequest.builder(model, List.of(Message.user("Tell me a fact"))).build();
  }

  @Test
  void aCallOfItsOwnIsJudgedMeteredAndSettledOnce() {
    try (InProcessGuard guard = guard(GuardSettings.DEFAULTS)) {
      try (GuardedCall call = guard.begin(InProcessRequest.of(caller(job()), request("gemma3")))) {
        call.answered(12, 34);
      }
      assertThat(outcomes).containsExactly("completed");
      Exchange exchange = ended.get(0);
      assertThat(exchange.caller().getName()).isEqualTo("nightly report");
      assertThat(exchange.call().model()).isEqualTo("gemma3");
      assertThat(exchange.call().prompt()).isNotNull();
      assertThat(exchange.usage().outputTokens()).isEqualTo(34);
      assertThat(exchange.usage().estimated()).isFalse();
    }
  }

  @Test
  void aCallThatIsNotAnsweredHasFailed() {
    try (InProcessGuard guard = guard(GuardSettings.DEFAULTS)) {
      guard.begin(InProcessRequest.of(caller(job()), request("gemma3"))).close();
      assertThat(outcomes).containsExactly("upstream-failed");
    }
  }

  @Test
  void aModelThatTheCallerMayNotNameIsRefused() {
    try (InProcessGuard guard = guard(GuardSettings.DEFAULTS)) {
      Caller narrow = caller(job().models(ModelAccess.of(List.of("gemma3"))));
      assertThatThrownBy(() -> guard.begin(InProcessRequest.of(narrow, request("llama3"))))
          .isInstanceOfSatisfying(
              CallRefusedException.class,
              refused -> assertThat(refused.refusal().status()).isEqualTo(403))
          .hasMessageNotContaining("llama3");
      assertThat(outcomes).containsExactly("refused:model-not-allowed");
    }
  }

  @Test
  void aCallerWithoutTheScopeIsRefused() {
    try (InProcessGuard guard = guard(GuardSettings.DEFAULTS)) {
      Caller embeds = caller(job().scopes(Set.of(Scope.EMBEDDINGS)));
      assertThatThrownBy(() -> guard.begin(InProcessRequest.of(embeds, request("llama3"))))
          .isInstanceOf(CallRefusedException.class)
          .hasMessageStartingWith("scope-missing");
    }
  }

  @Test
  void tokensAreLimitedAcrossCalls() {
    RateLimits limits =
        new RateLimits(
            RateLimits.DEFAULTS.perKey(),
            RateLimits.DEFAULTS.perIp(),
            new TokenLimit(
                2_000,
                Duration.ofHours(1),
                1_999L,
                false,
                GuardSettings.OnStoreFailure.FAIL_CLOSED),
            Map.of());
    Ceilings ceilings =
        new Ceilings(
            GuardSettings.CeilingMode.CLAMP,
            500L,
            null,
            null,
            null,
            true,
            true,
            null,
            null,
            false,
            false,
            false);
    try (InProcessGuard guard = guard(settings(limits, ceilings))) {
      try (GuardedCall call = guard.begin(InProcessRequest.of(caller(job()), request("gemma3")))) {
        call.answered(1_000, 990);
      }
      assertThatThrownBy(() -> guard.begin(InProcessRequest.of(caller(job()), request("gemma3"))))
          .isInstanceOfSatisfying(
              CallRefusedException.class,
              refused -> assertThat(refused.refusal().status()).isEqualTo(429));
    }
  }

  @Test
  void nobodyFromOutsideIsTakenForACaller() throws Exception {
    try (InProcessGuard guard = guard(GuardSettings.DEFAULTS)) {
      io.llmguard.testkit.TestRequest outside =
          io.llmguard.testkit.TestRequest.post("/api/chat", "{\"model\":\"m\",\"messages\":[]}");
      Decision decision = guard.guard().admit(outside).toCompletableFuture().get();
      assertThat(decision)
          .isInstanceOfSatisfying(
              Decision.Refuse.class,
              refuse -> assertThat(refuse.refusal().status()).isEqualTo(401));
    }
  }

  @Test
  void aBodyThatTwoParsersCouldReadDifferentlyIsRefusedHereToo() {
    try (InProcessGuard guard = guard(GuardSettings.DEFAULTS)) {
      byte[] body = "{\"model\":\"a\",\"model\":\"b\"}".getBytes(StandardCharsets.UTF_8);
      assertThatThrownBy(
              () -> guard.begin(InProcessRequest.of(caller(job()), Operation.OPENAI_CHAT, body)))
          .isInstanceOf(CallRefusedException.class);
    }
  }

  @Test
  void theClientSendsWhatWasCheckedWithItsCeilings() throws Exception {
    Ceilings ceilings =
        new Ceilings(
            GuardSettings.CeilingMode.CLAMP,
            64L,
            null,
            null,
            null,
            true,
            true,
            null,
            null,
            false,
            false,
            false);
    try (ReplayUpstream upstream = ReplayUpstream.start();
        OllamaClient client = OllamaClient.create(upstream.uri().toString());
        InProcessGuard guard = guard(settings(RateLimits.DEFAULTS, ceilings))) {
      upstream.enqueue(Answer.replay(CHAT));
      GuardedOllamaClient guarded = new GuardedOllamaClient(client, guard, () -> caller(job()));
      assertThat(guarded.chat(request("gemma3")).text()).isNotEmpty();
      assertThat(upstream.takeRequest().bodyText())
          .contains("\"num_predict\":64", "Tell me a fact", "\"stream\":false");
      assertThat(outcomes).containsExactly("completed");
      assertThat(ended.get(0).usage().outputTokens()).isPositive();
    }
  }

  @Test
  void aServerThatFailsIsSettledAsThat() throws Exception {
    try (ReplayUpstream upstream = ReplayUpstream.start();
        OllamaClient client = OllamaClient.create(upstream.uri().toString());
        InProcessGuard guard = guard(GuardSettings.DEFAULTS)) {
      upstream.enqueue(Answer.status(404, "application/json", "{\"error\":\"no such model\"}"));
      GuardedOllamaClient guarded = new GuardedOllamaClient(client, guard, () -> caller(job()));
      assertThatThrownBy(() -> guarded.chat(request("gemma3"))).isInstanceOf(OllamaException.class);
      assertThat(outcomes).containsExactly("upstream-failed");
    }
  }
}
