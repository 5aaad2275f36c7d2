package io.llmguard.auth;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Establishes who calls, and refuses calls that do not say.
 *
 * <p>The credential is read once, from {@code Authorization: Bearer}, {@code X-Api-Key} and what
 * else is switched on; never from the query. The authenticators are asked in order; the first that
 * knows this kind of credential decides. A call without any credential is refused with 401 unless
 * {@link Builder#anonymous} says who it is; a call with one that nobody accepts is refused always,
 * whatever else it carries. Each 401 has a {@code WWW-Authenticate} challenge (RFC 9110, RFC 6750),
 * and the same words whether a key exists or not.
 *
 * <p>Sets the exchange's caller, and the hash of the presented credential, good or not. Closing the
 * stage closes its authenticators.
 */
public final class AuthenticationStage implements Stage, AutoCloseable {
  /** The refusal of a credential that is not accepted, for whatever reason. */
  static final Refusal NOT_ACCEPTED =
      Refusal.of(
          401,
          "invalid-credential",
          "the credential is not accepted: it is wrong, has ended, or may not be used from this"
              + " address");

  private static final Refusal MISSING =
      Refusal.of(
          401,
          "no-credential",
          "a credential is needed; send it as 'Authorization: Bearer KEY' or 'X-Api-Key: KEY'");

  private static final Logger log = LoggerFactory.getLogger(AuthenticationStage.class);

  private final List<Authenticator> authenticators;
  private final CredentialReader reader;
  private final String realm;
  private final @Nullable Caller anonymous;

  private AuthenticationStage(Builder builder) {
    authenticators = List.copyOf(builder.authenticators);
    reader = new CredentialReader(builder.fields, builder.queryNamesKeys);
    realm = builder.realm;
    anonymous = builder.anonymous;
  }

  /** A builder of a stage without authenticators, which refuses every call. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public String name() {
    return "authentication";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    CredentialReader.Reading reading = reader.read(exchange.request());
    if (reading instanceof CredentialReader.Reading.Unclear unclear) {
      Credential first = unclear.credential();
      if (first != null) {
        exchange.credentialHash(first.hash().hex());
      }
      return refuse(exchange, unclear.refusal());
    }
    if (reading instanceof CredentialReader.Reading.One one) {
      exchange.put(Credential.KEY, one.credential());
      exchange.credentialHash(one.credential().hash().hex());
    }
    return ask(exchange, 0);
  }

  private CompletionStage<Decision> ask(Exchange exchange, int first) {
    for (int i = first; i < authenticators.size(); i++) {
      CompletableFuture<Authentication> answer =
          authenticators.get(i).authenticate(exchange).toCompletableFuture();
      if (!answer.isDone()) {
        int next = i + 1;
        return answer.thenCompose(
            found -> {
              CompletionStage<Decision> decided = decided(exchange, found);
              return decided != null ? decided : ask(exchange, next);
            });
      }
      // a failed answer throws here, and the guard refuses the call
      CompletionStage<Decision> decided = decided(exchange, answer.join());
      if (decided != null) {
        return decided;
      }
    }
    if (Credential.of(exchange) != null) {
      return refuse(exchange, NOT_ACCEPTED);
    }
    if (anonymous != null) {
      exchange.caller(anonymous);
      return exchange.admit();
    }
    return refuse(exchange, MISSING);
  }

  private @Nullable CompletionStage<Decision> decided(Exchange exchange, Authentication found) {
    if (found instanceof Authentication.Authenticated authenticated) {
      exchange.caller(authenticated.caller());
      return exchange.admit();
    }
    if (found instanceof Authentication.Rejected rejected) {
      return refuse(exchange, rejected.refusal());
    }
    return null;
  }

  /** Refuses a call; the one place that adds the challenge. */
  private CompletionStage<Decision> refuse(Exchange exchange, Refusal refusal) {
    if (refusal.status() != 401 || refusal.headers().contains(BearerChallenge.FIELD)) {
      return exchange.refuse(refusal);
    }
    BearerChallenge challenge =
        exchange.credentialHash() == null
            ? BearerChallenge.of(realm)
            : new BearerChallenge(realm, "invalid_token", refusal.detail());
    return exchange.refuse(refusal.with(BearerChallenge.FIELD, challenge.value()));
  }

  @Override
  public void close() {
    for (Authenticator authenticator : authenticators) {
      if (authenticator instanceof AutoCloseable closeable) {
        try {
          closeable.close();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        } catch (Exception e) {
          log.warn("{} failed to close", authenticator.getClass().getName(), e);
        }
      }
    }
  }

  /** Collects the authenticators of a stage. Not thread-safe. */
  public static final class Builder {
    private final List<Authenticator> authenticators = new ArrayList<>();
    private final List<String> fields = new ArrayList<>(List.of(CredentialHeaders.X_API_KEY));
    private final Set<String> queryNamesKeys = new HashSet<>();
    private String realm = "llmguard";
    private @Nullable Caller anonymous;

    private Builder() {}

    /** Adds an authenticator after those that are there. */
    public Builder authenticator(Authenticator value) {
      authenticators.add(value);
      return this;
    }

    /** Also reads {@link CredentialHeaders#X_GOOG_API_KEY}; off unless called. */
    public Builder readGoogleApiKey() {
      fields.add(CredentialHeaders.X_GOOG_API_KEY);
      return this;
    }

    /** Also reads {@link CredentialHeaders#API_KEY}; off unless called. */
    public Builder readAzureApiKey() {
      fields.add(CredentialHeaders.API_KEY);
      return this;
    }

    /**
     * On these raw paths a parameter such as {@code key} says which key a call is about. It is no
     * credential there either: without one in the header the call is refused as anywhere else.
     */
    public Builder queryNamesKeysAt(Collection<String> rawPaths) {
      queryNamesKeys.addAll(rawPaths);
      return this;
    }

    /** What the challenge calls the protected space; {@code llmguard} unless set. */
    public Builder realm(String value) {
      realm = value;
      return this;
    }

    /**
     * Lets calls in that carry no credential at all, as this caller. Without it they are refused.
     */
    public Builder anonymous(Caller value) {
      anonymous = value;
      return this;
    }

    /** The stage. */
    public AuthenticationStage build() {
      return new AuthenticationStage(this);
    }
  }
}
