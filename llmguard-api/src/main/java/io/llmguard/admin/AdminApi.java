package io.llmguard.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.GuardRequest;
import io.llmguard.HeaderMap;
import io.llmguard.Refusal;
import io.llmguard.RefusalRenderer;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.TimeSource;
import io.llmguard.admin.internal.AdminCall;
import io.llmguard.admin.internal.BadCall;
import io.llmguard.admin.internal.KeyCalls;
import io.llmguard.admin.internal.ServerCalls;
import io.llmguard.admin.internal.SpendCalls;
import io.llmguard.admin.internal.StrictJson;
import io.llmguard.audit.AuditEvent;
import io.llmguard.auth.Caller;
import io.llmguard.budget.SpendLedgerException;
import io.llmguard.budget.SpendReader;
import io.llmguard.key.KeyStore;
import io.llmguard.key.KeyStoreException;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.Endpoint;
import io.llmguard.policy.Endpoint.BodyKind;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.Scope;
import io.llmguard.wire.Dialect;
import io.llmguard.wire.Operation;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Administration over HTTP, for callers with scope {@code admin} only.
 *
 * <p>Every call is answered at its path and at the same under {@code /admin}. Requests and answers
 * have the names of LiteLLM's proxy for what both have; {@code GET /openapi.json} describes them
 * (OpenAPI 3.1). A field or parameter that is not known is refused by its name, as is one that
 * would guard something and does not here; one that has no effect and guards nothing is listed in
 * {@code warnings}. A key is shown once, in the answer of the call that makes it; afterwards it
 * goes by its id or its hash.
 *
 * <p>It answers calls that a {@link io.llmguard.Guard} has admitted: {@link #addTo} puts them into
 * the catalogue of that guard, and {@link #bodies} reads what they send. A call that a browser
 * sends from another site is refused, whatever credential it carries. Thread-safe. {@link #handle}
 * blocks on the store: an event loop must not call it.
 */
public final class AdminApi {
  /** The largest body of a call in bytes; a larger one is refused with 413. */
  public static final int MAX_BODY = 64 * 1024;

  private static final Logger log = LoggerFactory.getLogger(AdminApi.class);
  private static final String ADMIN = "/admin";
  private static final String DOCUMENT = "openapi.json";

  private record Answering(AdminRoute route, Function<AdminCall, ? extends JsonNode> by) {}

  private final List<Answering> calls = new ArrayList<>();
  private final byte[] document;
  private final EndpointCatalogue posts;

  private AdminApi(Builder builder) {
    document = document();
    KeyCalls keys = new KeyCalls(builder.store, builder.time, builder.changed);
    post("/key/generate", keys::generate);
    SpendReader reader = builder.spend;
    SpendCalls spend =
        reader == null
            ? null
            : new SpendCalls(reader, builder.days, builder.maxBudget, builder.time, keys);
    get("/key/info", call -> keys.info(call, spend));
    get("/key/list", keys::list);
    post("/key/update", keys::update);
    post("/key/block", call -> keys.block(call, true));
    post("/key/unblock", call -> keys.block(call, false));
    post("/key/regenerate", keys::regenerate);
    post("/key/{key}/regenerate", keys::regenerate);
    post("/key/delete", keys::delete);
    if (spend != null) {
      get("/spend/logs", spend::logs);
      get("/global/spend", spend::global);
    }
    Supplier<List<AdminModel>> models = builder.models;
    if (models != null) {
      get("/model/info", call -> ServerCalls.models(call, models));
      // where LiteLLM's own client asks
      get("/v1/model/info", call -> ServerCalls.models(call, models));
    }
    Supplier<List<EndpointHealth>> health = builder.health;
    if (health != null) {
      get("/health", call -> ServerCalls.health(call, health));
    }
    posts = addTo(EndpointCatalogue.builder()).build();
  }

  private void get(String path, Function<AdminCall, ? extends JsonNode> by) {
    calls.add(new Answering(new AdminRoute("GET", path), by));
  }

  private void post(String path, Function<AdminCall, ? extends JsonNode> by) {
    calls.add(new Answering(new AdminRoute("POST", path), by));
  }

  /** A builder of an API over the keys of this store. */
  public static Builder builder(KeyStore store) {
    return new Builder(store);
  }

  /** The OpenAPI 3.1 document of everything that the API can answer, in JSON. */
  public static byte[] document() {
    try (InputStream in = AdminApi.class.getResourceAsStream(DOCUMENT)) {
      if (in == null) {
        throw new IllegalStateException("the document is not beside its class");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What this API answers; the same under {@code /admin} goes without saying. */
  public List<AdminRoute> routes() {
    List<AdminRoute> routes = new ArrayList<>();
    calls.forEach(call -> routes.add(call.route));
    routes.add(new AdminRoute("GET", "/" + DOCUMENT));
    return routes;
  }

  /** Every path at which this API answers; one with a key in it ends with a slash and a star. */
  public List<String> servletPatterns() {
    List<String> patterns = new ArrayList<>();
    for (AdminRoute route : routes()) {
      String pattern = route.namesKey() ? route.prefix() + "*" : route.path();
      for (String each : List.of(pattern, ADMIN + pattern)) {
        if (!patterns.contains(each)) {
          patterns.add(each);
        }
      }
    }
    return patterns;
  }

  /**
   * The paths whose query says which key a call is about; for {@link
   * io.llmguard.auth.AuthenticationStage.Builder#queryNamesKeysAt}.
   */
  public static List<String> pathsWithKeysInQuery() {
    return List.of("/key/info", ADMIN + "/key/info", "/spend/logs", ADMIN + "/spend/logs");
  }

  /** Adds every route to a catalogue, for callers with scope {@code admin}. */
  public EndpointCatalogue.Builder addTo(EndpointCatalogue.Builder catalogue) {
    for (AdminRoute route : routes()) {
      boolean post = route.method().equals("POST");
      Endpoint endpoint =
          new Endpoint(Operation.OTHER, Scope.ADMIN, post ? BodyKind.OPAQUE : BodyKind.NONE);
      for (String root : List.of("", ADMIN)) {
        if (route.namesKey()) {
          catalogue.allowBelow(route.method(), root + route.prefix(), endpoint);
        } else {
          catalogue.allow(route.method(), root + route.path(), endpoint);
        }
      }
    }
    return catalogue;
  }

  /**
   * The stage that reads the bodies of these calls, of at most {@link #MAX_BODY} bytes; it belongs
   * at {@link io.llmguard.StandardGuard.Place#BODY} and lets every other call pass.
   */
  public Stage bodies() {
    return new BodyReading(posts);
  }

  /**
   * Answers a call that a guard with {@link #addTo} and {@link #bodies} has admitted. Blocks on the
   * store.
   *
   * @param exchange the call; {@link AuditEvent#TARGET} is put into it
   */
  public AdminAnswer handle(Exchange exchange) {
    try {
      return answer(exchange);
    } catch (BadCall e) {
      return refuse(e.refusal());
    } catch (SpendLedgerException e) {
      log.error("an admin call failed: the spend ledger fails");
      log.debug("an admin call failed", e);
      return refuse(
          Refusal.of(503, "ledger-unavailable", "what was spent cannot be told at the moment")
              .with("Retry-After", "1"));
    } catch (KeyStoreException e) {
      log.error("an admin call failed: the key store fails");
      log.debug("an admin call failed", e);
      return refuse(
          Refusal.of(503, "key-store-unavailable", "keys cannot be changed at the moment")
              .with("Retry-After", "1"));
    }
  }

  private static AdminAnswer refuse(Refusal refusal) {
    RefusalRenderer.Rendered rendered = RefusalRenderer.render(refusal, Dialect.OPENAI);
    return new AdminAnswer(rendered.status(), rendered.headers(), rendered.body());
  }

  private AdminAnswer answer(Exchange exchange) {
    GuardRequest request = exchange.request();
    Caller caller = exchange.caller();
    if (caller == null || !Scope.ADMIN.grantedBy(caller.scopes())) {
      throw new BadCall(403, "scope-missing", "this call takes a credential with scope admin");
    }
    refuseOtherSites(request);
    String full = exchange.path();
    String path = full.startsWith(ADMIN + "/") ? full.substring(ADMIN.length()) : full;
    if (path.equals("/" + DOCUMENT)) {
      return json(document.clone());
    }
    for (Answering call : calls) {
      AdminRoute route = call.route;
      String key = keyIn(route, path);
      if (route.method().equals(request.method()) && (key != null || route.path().equals(path))) {
        if (key != null) {
          // the trail names the record, never what a path says of it
          exchange.path(full.substring(0, full.length() - path.length()) + route.path());
        }
        AdminCall read = new AdminCall(caller, key, request.rawQuery(), read(exchange));
        try {
          return json(StrictJson.write(call.by.apply(read)).getBytes(StandardCharsets.UTF_8));
        } finally {
          String targets = read.targets();
          if (targets != null) {
            exchange.put(AuditEvent.TARGET, targets);
          }
        }
      }
    }
    throw new BadCall(404, "unknown-path", "there is nothing at this path that may be called");
  }

  private static @Nullable String keyIn(AdminRoute route, String path) {
    if (!route.namesKey()
        || !path.startsWith(route.prefix())
        || !path.endsWith(route.suffix())
        || path.length() <= route.prefix().length() + route.suffix().length()) {
      return null;
    }
    String key = path.substring(route.prefix().length(), path.length() - route.suffix().length());
    return key.indexOf('/') < 0 ? key : null;
  }

  /** A browser sends client certificates along to whoever makes it call. */
  private static void refuseOtherSites(GuardRequest request) {
    String site = request.headers().first("Sec-Fetch-Site");
    if (site != null && !site.equals("same-origin") && !site.equals("none")) {
      throw new BadCall(403, "cross-site", "a page of another site may not call this");
    }
  }

  private static ObjectNode read(Exchange exchange) {
    GuardRequest request = exchange.request();
    byte[] body = {};
    if (exchange.body() instanceof RequestBody.InMemory read) {
      ByteBuffer content = read.content();
      body = new byte[content.remaining()];
      content.get(body);
    } else if (request.method().equals("POST")) {
      throw new IllegalStateException("the guard has not read the body: give it the API's bodies");
    }
    if (body.length > 0) {
      String type = request.headers().first("Content-Type");
      String media = type == null ? "" : type.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
      if (!media.equals("application/json")) {
        throw new BadCall(415, "media-type", "send the body as Content-Type: application/json");
      }
    }
    return StrictJson.read(body);
  }

  private static AdminAnswer json(byte[] body) {
    HeaderMap headers =
        new HeaderMap()
            .add("Content-Type", "application/json")
            .add("Cache-Control", "no-store")
            .add("X-Content-Type-Options", "nosniff");
    return new AdminAnswer(200, headers, ByteBuffer.wrap(body));
  }

  /** Reads the bodies of the calls in its catalogue into memory. */
  private record BodyReading(EndpointCatalogue catalogue) implements Stage {
    @Override
    public String name() {
      return "admin-body";
    }

    @Override
    public CompletionStage<Decision> decide(Exchange exchange) {
      GuardRequest request = exchange.request();
      if (!(catalogue.find(request.method(), exchange.path())
              instanceof EndpointCatalogue.Match.Found found)
          || found.endpoint().body() == BodyKind.NONE) {
        return exchange.admit();
      }
      return request
          .readBody(MAX_BODY)
          .handle(
              (body, e) -> {
                if (e != null) {
                  return exchange.refuse(BodyStage.refusalOf(e));
                }
                exchange.body(new RequestBody.InMemory(ByteBuffer.wrap(body)));
                return exchange.admit();
              })
          .thenCompose(decision -> decision);
    }
  }

  /** Collects what is administered. Not thread-safe. */
  public static final class Builder {
    private final KeyStore store;
    private TimeSource time = TimeSource.system();
    private Runnable changed = () -> {};
    private @Nullable SpendReader spend;
    private ZoneId days = ZoneOffset.UTC;
    private @Nullable BigDecimal maxBudget;
    private @Nullable Supplier<List<AdminModel>> models;
    private @Nullable Supplier<List<EndpointHealth>> health;

    private Builder(KeyStore store) {
      this.store = store;
    }

    /** Where expiry and grace are measured; the machine's clocks unless set. */
    public Builder time(TimeSource value) {
      time = value;
      return this;
    }

    /**
     * Run after every change of a key, best {@link io.llmguard.key.KeyDirectory#refresh}, so that
     * the very next call sees it; nothing unless set.
     */
    public Builder onChange(Runnable value) {
      changed = value;
      return this;
    }

    /**
     * Answers {@code /spend/logs} and {@code /global/spend} from this, and what a key has spent;
     * without it there are no such paths.
     *
     * @param reader the ledger
     * @param zone in which zone days are told
     */
    public Builder spend(SpendReader reader, ZoneId zone) {
      spend = reader;
      days = zone;
      return this;
    }

    /**
     * What everybody together may spend, in USD, as {@code /global/spend} tells it; none unless
     * set.
     */
    public Builder maxBudget(@Nullable BigDecimal usd) {
      maxBudget = usd;
      return this;
    }

    /** Answers {@code /model/info} from this; without it there is no such path. */
    public Builder models(Supplier<List<AdminModel>> value) {
      models = value;
      return this;
    }

    /**
     * Answers {@code /health} from this, which may block while it asks the servers; without it
     * there is no such path.
     */
    public Builder health(Supplier<List<EndpointHealth>> value) {
      health = value;
      return this;
    }

    /** The API. */
    public AdminApi build() {
      return new AdminApi(this);
    }
  }
}
