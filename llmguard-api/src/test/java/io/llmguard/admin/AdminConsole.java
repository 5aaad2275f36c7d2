package io.llmguard.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.RefusalRenderer;
import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.audit.AuditEvent;
import io.llmguard.auth.ApiKeyAuthenticator;
import io.llmguard.auth.AuthenticationStage;
import io.llmguard.budget.MemorySpendLedger;
import io.llmguard.budget.SpendEntry;
import io.llmguard.key.ApiKey;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.KeyRecord;
import io.llmguard.key.KeyStore;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import io.llmguard.policy.Scope;
import io.llmguard.testkit.ManualTime;
import io.llmguard.testkit.TestRequest;
import io.llmguard.wire.Usage;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionStage;

/** The admin API behind a guard, as an adapter drives it. */
final class AdminConsole implements AutoCloseable {
  static final String MASTER = "the master key of these tests";
  static final AdminModel MISTRAL =
      new AdminModel(
          "moltbot-llm",
          "ollama/mistral",
          "http://127.0.0.1:11434",
          new BigDecimal("0.0000001"),
          null);
  static final AdminModel OTHER =
      new AdminModel("other", "openai/gemma", "http://10.0.0.7:8000/v1", null, null);

  private static final ObjectMapper JSON = new ObjectMapper();

  final ManualTime time = new ManualTime();
  final MemorySpendLedger ledger = new MemorySpendLedger(time, ZoneOffset.UTC, 100);
  final KeyStore store;
  final KeyDirectory keys;
  final AdminApi api;
  final List<AuditEvent> audited = new ArrayList<>();
  private final Guard guard;
  private int calls;

  AdminConsole() {
    this(new MemoryKeyStore());
  }

  AdminConsole(KeyStore store) {
    this.store = store;
    keys =
        KeyDirectory.builder(store)
            .time(time)
            .refreshEvery(Duration.ofDays(1))
            .maxStaleness(Duration.ofDays(9999))
            .open();
    api =
        AdminApi.builder(store)
            .time(time)
            .onChange(keys::refresh)
            .models(() -> List.of(MISTRAL, OTHER))
            .spend(ledger, ZoneOffset.UTC)
            .maxBudget(new BigDecimal("100"))
            .health(
                () ->
                    List.of(
                        new EndpointHealth(MISTRAL, null),
                        new EndpointHealth(OTHER, "connection refused")))
            .build();
    guard =
        StandardGuard.builder()
            .stage(Place.OBSERVE, new Trail())
            .stage(
                Place.AUTHENTICATION,
                AuthenticationStage.builder()
                    .queryNamesKeysAt(AdminApi.pathsWithKeysInQuery())
                    .authenticator(
                        ApiKeyAuthenticator.builder()
                            .keys(keys)
                            .masterKey(MASTER)
                            .time(time)
                            .build())
                    .build())
            .stage(
                Place.ENDPOINT,
                new EndpointStage(api.addTo(EndpointCatalogue.builder().addStandard()).build()))
            .stage(Place.BODY, api.bodies())
            .build();
  }

  private final class Trail implements Stage {
    @Override
    public String name() {
      return "trail";
    }

    @Override
    public CompletionStage<Decision> decide(Exchange exchange) {
      return exchange.admit();
    }

    @Override
    public void settle(Exchange exchange, Outcome outcome) {
      audited.add(AuditEvent.of(exchange, outcome, null));
    }
  }

  /** An answer with its body as text. */
  record Answer(int status, String type, String text) {
    JsonNode json() {
      try {
        return JSON.readTree(text);
      } catch (java.io.IOException e) {
        throw new AssertionError(text, e);
      }
    }

    String message() {
      return json().path("error").path("message").asText();
    }
  }

  Answer get(String target) {
    return call(TestRequest.of("GET", target).bearer(MASTER));
  }

  Answer post(String target, String body) {
    return call(
        TestRequest.post(target, body).header("Content-Type", "application/json").bearer(MASTER));
  }

  Answer call(TestRequest request) {
    Decision decision = guard.admit(request).toCompletableFuture().join();
    if (decision instanceof Decision.Refuse refuse) {
      return answer(refuse.refusal(), request.rawPath());
    }
    Exchange exchange = ((Decision.Admit) decision).exchange();
    AdminAnswer answer = api.handle(exchange);
    exchange.status(answer.status());
    exchange.onComplete(Outcome.COMPLETED);
    return new Answer(
        answer.status(),
        String.valueOf(answer.headers().first("Content-Type")),
        text(answer.body()));
  }

  private static Answer answer(Refusal refusal, String path) {
    RefusalRenderer.Rendered rendered = RefusalRenderer.render(refusal, path);
    return new Answer(
        rendered.status(),
        String.valueOf(rendered.headers().first("Content-Type")),
        text(rendered.body()));
  }

  private static String text(ByteBuffer body) {
    return StandardCharsets.UTF_8.decode(body.duplicate()).toString();
  }

  /** A key with these scopes, known at once. */
  ApiKey key(Scope... scopes) {
    Set<Scope> all = EnumSet.noneOf(Scope.class);
    all.addAll(List.of(scopes));
    ApiKey key = new KeyIssuer(store, time).issue("k", options -> options.scopes(all)).key();
    keys.refresh();
    return key;
  }

  /** The status of a call with this key at a path that any key may call. */
  int knock(String key) {
    Decision decision =
        guard.admit(TestRequest.of("GET", "/api/version").bearer(key)).toCompletableFuture().join();
    return decision instanceof Decision.Refuse refuse ? refuse.refusal().status() : 200;
  }

  /** A call of a key that has ended. */
  String spend(ApiKey key, String model, String user, long nanoUsd) {
    KeyRecord record = Objects.requireNonNull(store.findByHash(key.hash()));
    String id = String.format("%016x%016x", time.now().toEpochMilli() << 16, ++calls);
    var unused =
        ledger.settle(
            new SpendEntry(
                id,
                time.now(),
                new SpendEntry.Who(
                    record.id(), record.name(), record.id(), key.hash().hex(), "blue", user),
                model,
                "local",
                "/api/chat",
                200,
                "completed",
                Usage.reported(26, 60),
                nanoUsd,
                Duration.ofSeconds(1)),
            List.of());
    return id;
  }

  @Override
  public void close() {
    keys.close();
    guard.close();
  }
}
