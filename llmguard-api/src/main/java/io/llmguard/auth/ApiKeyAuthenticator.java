package io.llmguard.auth;

import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.TimeSource;
import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetPeriod;
import io.llmguard.budget.BudgetScope;
import io.llmguard.budget.BudgetWindow;
import io.llmguard.budget.NanoUsd;
import io.llmguard.key.ApiKey;
import io.llmguard.key.KeyBudget;
import io.llmguard.key.KeyHash;
import io.llmguard.key.KeyLookup;
import io.llmguard.key.KeyRecord;
import io.llmguard.policy.Scope;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Knows callers by their API key, and the holder of the master key.
 *
 * <p>The master key is any string; it is compared first, by its digest and in constant time. A
 * string that has not the form of an API key is not this authenticator's business. A mistyped key
 * is told by its checksum alone: the refusal is that of a wrong key with a hint. A key that is
 * unknown, expired, blocked, revoked, replaced or used from a network that its record does not
 * allow is refused by one and the same answer.
 *
 * <p>Thread-safe; does not block unless its {@link KeyLookup} does. Closing it closes nothing: the
 * look-up belongs to who made it.
 */
public final class ApiKeyAuthenticator implements Authenticator {
  private static final Logger log = LoggerFactory.getLogger(ApiKeyAuthenticator.class);

  private static final CompletionStage<Authentication> ABSENT = done(new Authentication.Absent());
  private static final CompletionStage<Authentication> WRONG =
      done(new Authentication.Rejected(AuthenticationStage.NOT_ACCEPTED));
  private static final CompletionStage<Authentication> MISTYPED =
      done(
          new Authentication.Rejected(
              Refusal.of(
                  401,
                  AuthenticationStage.NOT_ACCEPTED.reason(),
                  AuthenticationStage.NOT_ACCEPTED.detail()
                      + "; its checksum does not match: look for a mistyped character")));
  private static final CompletionStage<Authentication> UNAVAILABLE =
      done(
          new Authentication.Rejected(
              Refusal.of(
                      503,
                      "key-store-unavailable",
                      "keys cannot be checked at the moment; try again")
                  .with("Retry-After", "1")));

  private final @Nullable KeyLookup keys;
  private final TimeSource time;
  private final @Nullable KeyHash masterKey;
  private final @Nullable KeyHash masterKeyAsLatin1;
  private final CompletionStage<Authentication> master;
  private final ZoneId budgetZone;

  private ApiKeyAuthenticator(Builder builder) {
    keys = builder.keys;
    time = builder.time;
    budgetZone = builder.budgetZone;
    String secret = builder.masterKey;
    masterKey = secret == null ? null : KeyHash.of(secret);
    // containers read the bytes of a field as ISO 8859-1, clients send UTF-8
    masterKeyAsLatin1 =
        secret == null
            ? null
            : KeyHash.of(
                new String(secret.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
    master =
        done(
            new Authentication.Authenticated(
                Caller.builder(Caller.Kind.MASTER_KEY, "master")
                    .name("master key")
                    .scopes(EnumSet.allOf(Scope.class))
                    .build()));
    if (keys == null && masterKey == null) {
      throw new IllegalArgumentException("neither keys nor a master key: nobody could get in");
    }
  }

  /** A builder of an authenticator without keys. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public CompletionStage<Authentication> authenticate(Exchange exchange) {
    Credential credential = Credential.of(exchange);
    if (credential == null) {
      return ABSENT;
    }
    if (isMasterKey(credential.hash())) {
      return master;
    }
    if (keys == null) {
      return ABSENT;
    }
    ApiKey.Parsed parsed = ApiKey.parse(credential.reveal());
    if (parsed instanceof ApiKey.Parsed.Malformed) {
      return ABSENT;
    }
    if (parsed instanceof ApiKey.Parsed.Mistyped) {
      return MISTYPED;
    }
    CompletableFuture<KeyLookup.Answer> answer = keys.find(credential.hash()).toCompletableFuture();
    return answer.isDone()
        ? judge(exchange, credential.hash(), answer.join())
        : answer.thenCompose(found -> judge(exchange, credential.hash(), found));
  }

  private CompletionStage<Authentication> judge(
      Exchange exchange, KeyHash presented, KeyLookup.Answer answer) {
    if (answer instanceof KeyLookup.Answer.Unavailable) {
      return UNAVAILABLE;
    }
    if (!(answer instanceof KeyLookup.Answer.Found found)) {
      return WRONG;
    }
    KeyRecord record = found.record();
    Instant now = time.now();
    KeyRecord.Standing standing = record.standing(presented, now);
    if (standing != KeyRecord.Standing.GOOD) {
      log.debug("key {} refused: {}", record.id(), standing);
      return WRONG;
    }
    if (!record.allows(exchange.clientAddress())) {
      log.debug("key {} refused: its record does not allow this address", record.id());
      return WRONG;
    }
    used(record, now);
    return done(new Authentication.Authenticated(caller(record)));
  }

  private void used(KeyRecord record, Instant now) {
    if (keys != null) {
      keys.used(record, now);
    }
  }

  private Caller caller(KeyRecord record) {
    return Caller.builder(Caller.Kind.API_KEY, record.id())
        .name(record.name())
        .keyId(record.id())
        .owner(record.owner())
        .team(record.team())
        .scopes(record.scopes())
        .models(record.models())
        .limits(record.limits())
        .budgets(budgets(record))
        .build();
  }

  private List<Budget> budgets(KeyRecord record) {
    List<Budget> budgets = new ArrayList<>();
    BigDecimal usd = record.budgetUsd();
    BigDecimal alert = record.alertUsd();
    if (usd != null || alert != null) {
      BigDecimal most = usd == null ? NanoUsd.MOST : usd.min(NanoUsd.MOST);
      Long alertAt = alert == null ? null : (Long) NanoUsd.of(alert.min(most));
      budgets.add(
          Budget.of(BudgetScope.KEY, window(record, record.budgetWindow()))
              .usd(most)
              .only(record.id())
              .alertAt(alertAt == null || alertAt == 0 ? null : alertAt)
              .enforced(usd != null)
              .build());
    }
    for (KeyBudget further : record.furtherBudgets()) {
      Budget.Builder budget =
          Budget.of(BudgetScope.KEY, window(record, further.window()))
              .only(record.id())
              .onlyModels(further.models());
      if (further.usd() != null) {
        budget.usd(further.usd().min(NanoUsd.MOST));
      } else if (further.tokens() != null) {
        budget.tokens(further.tokens());
      }
      budgets.add(budget.build());
    }
    return budgets;
  }

  private BudgetWindow window(KeyRecord record, @Nullable String text) {
    try {
      return text == null
          ? BudgetWindow.FOREVER
          : BudgetWindow.fixed(BudgetPeriod.parse(text), budgetZone);
    } catch (IllegalArgumentException e) {
      // a window that nobody understands never opens again
      log.warn("the budget window of key {} cannot be read: it never resets", record.id());
      return BudgetWindow.FOREVER;
    }
  }

  private boolean isMasterKey(KeyHash presented) {
    if (masterKey == null || masterKeyAsLatin1 == null) {
      return false;
    }
    // both comparisons are always made
    boolean same = masterKey.equals(presented);
    boolean sameAsLatin1 = masterKeyAsLatin1.equals(presented);
    return same || sameAsLatin1;
  }

  private static CompletionStage<Authentication> done(Authentication authentication) {
    return CompletableFuture.completedFuture(authentication);
  }

  /** Collects the keys that let callers in. Not thread-safe. */
  public static final class Builder {
    private @Nullable KeyLookup keys;
    private @Nullable String masterKey;
    private TimeSource time = TimeSource.system();
    private ZoneId budgetZone = ZoneOffset.UTC;

    private Builder() {}

    /** Where keys are looked up, best a {@link io.llmguard.key.KeyDirectory}. */
    public Builder keys(KeyLookup value) {
      keys = value;
      return this;
    }

    /**
     * A key with every scope, which is any string that a header field can carry.
     *
     * @throws IllegalArgumentException if it is blank, or starts or ends with a blank, or has a
     *     control character: no call could present it
     */
    public Builder masterKey(String value) {
      if (value.isBlank() || !value.equals(value.strip())) {
        throw new IllegalArgumentException("the master key is blank or has blanks at its ends");
      }
      if (value.chars().anyMatch(Character::isISOControl)) {
        throw new IllegalArgumentException("the master key has a control character");
      }
      masterKey = value;
      return this;
    }

    /** Where expiry and grace are measured; the machine's clocks unless set. */
    public Builder time(TimeSource value) {
      time = value;
      return this;
    }

    /** In which zone the windows of keys' budgets begin; UTC unless set. */
    public Builder budgetZone(ZoneId value) {
      budgetZone = value;
      return this;
    }

    /**
     * The authenticator.
     *
     * @throws IllegalArgumentException if there are neither keys nor a master key
     */
    public ApiKeyAuthenticator build() {
      return new ApiKeyAuthenticator(this);
    }
  }
}
