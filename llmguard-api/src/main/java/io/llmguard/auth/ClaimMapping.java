package io.llmguard.auth;

import io.llmguard.limit.LimitSet;
import io.llmguard.limit.RateLimit;
import io.llmguard.policy.ModelAccess;
import io.llmguard.policy.Scope;
import io.llmguard.wire.CallerCeilings;
import java.time.DateTimeException;
import java.time.Duration;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes a caller of the claims of a verified token.
 *
 * <p>A claim that is there but is null or cannot be understood makes the token unusable: read as
 * absent, it would take a restriction away.
 *
 * @param names the claims to read
 * @param scopePrefix what stands before each scope of this program in the claim
 * @param withoutScopes the scopes of a token without the claim
 */
record ClaimMapping(Names names, String scopePrefix, Set<Scope> withoutScopes) {
  private static final int MAX_TEXT = 255;

  /**
   * The claims to read; a name with dots that is no claim itself is a path through objects.
   *
   * @param scopes the first of these that is there counts
   */
  record Names(
      List<String> scopes, String models, String limits, String team, String owner, String name) {}

  /** A claim that cannot be understood. */
  static final class UnusableClaimException extends Exception {
    private static final long serialVersionUID = 1L;

    UnusableClaimException(String claim) {
      super("the claim '" + claim + "' cannot be understood", null, false, false);
    }
  }

  Caller caller(String issuer, Map<String, Object> claims) throws UnusableClaimException {
    String subject = text(claims, "sub");
    if (subject == null || subject.isEmpty()) {
      throw new UnusableClaimException("sub");
    }
    Caller.Builder caller =
        Caller.builder(Caller.Kind.JWT, issuer + "#" + subject)
            .scopes(scopes(claims))
            .limits(limits(claims))
            .team(text(claims, names.team))
            .owner(text(claims, names.owner));
    String name = text(claims, names.name);
    if (name != null) {
      caller.name(name);
    }
    if (find(claims, names.models) != null) {
      caller.models(ModelAccess.of(words(claims, names.models)));
    }
    return caller.build();
  }

  private Set<Scope> scopes(Map<String, Object> claims) throws UnusableClaimException {
    for (String claim : names.scopes) {
      if (find(claims, claim) != null) {
        EnumSet<Scope> scopes = EnumSet.noneOf(Scope.class);
        for (String word : words(claims, claim)) {
          Scope scope =
              word.startsWith(scopePrefix) ? Scope.of(word.substring(scopePrefix.length())) : null;
          // other words are other programs' business
          if (scope != null) {
            scopes.add(scope);
          }
        }
        return scopes;
      }
    }
    return withoutScopes;
  }

  /** An array of strings, or one string of words with blanks between (RFC 8693, section 4.2). */
  private static List<String> words(Map<String, Object> claims, String claim)
      throws UnusableClaimException {
    Object value = find(claims, claim);
    if (value instanceof String text) {
      return List.of(text.strip().split(" +", 0));
    }
    if (value instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
      return list.stream().map(String.class::cast).toList();
    }
    throw new UnusableClaimException(claim);
  }

  private static @Nullable String text(Map<String, Object> claims, String claim)
      throws UnusableClaimException {
    Object value = find(claims, claim);
    if (value == null) {
      return null;
    }
    if (value instanceof String text
        && text.length() <= MAX_TEXT
        && text.chars().noneMatch(Character::isISOControl)) {
      return text;
    }
    throw new UnusableClaimException(claim);
  }

  private LimitSet limits(Map<String, Object> claims) throws UnusableClaimException {
    Object value = find(claims, names.limits);
    if (value == null) {
      return LimitSet.CONFIGURED;
    }
    if (!(value instanceof Map<?, ?> limits)) {
      throw new UnusableClaimException(names.limits);
    }
    try {
      Map<String, RateLimit> perModel = new HashMap<>();
      if (limits.get("per_model") instanceof Map<?, ?> models) {
        for (Map.Entry<?, ?> entry : models.entrySet()) {
          RateLimit rate = rate(entry.getValue());
          if (rate != null) {
            perModel.put(String.valueOf(entry.getKey()), rate);
          }
        }
      } else if (limits.get("per_model") != null) {
        throw new UnusableClaimException(names.limits);
      }
      Object concurrency = limits.get("concurrency");
      Object priority = limits.get("priority");
      return new LimitSet(
          rate(limits.get("requests")),
          rate(limits.get("tokens")),
          concurrency == null ? null : Math.toIntExact(number(concurrency)),
          perModel,
          ceilings(limits.get("ceilings")),
          priority == null ? null : Math.toIntExact(number(priority)));
    } catch (ArithmeticException | IllegalArgumentException | DateTimeException e) {
      throw new UnusableClaimException(names.limits);
    }
  }

  private static CallerCeilings ceilings(@Nullable Object value) {
    if (value == null) {
      return CallerCeilings.NONE;
    }
    if (!(value instanceof Map<?, ?> ceilings)) {
      throw new IllegalArgumentException("no ceilings");
    }
    Map<String, Object> named = new HashMap<>();
    ceilings.forEach((name, ceiling) -> named.put(String.valueOf(name), ceiling));
    return CallerCeilings.parse(named);
  }

  private static @Nullable RateLimit rate(@Nullable Object value) {
    if (value == null) {
      return null;
    }
    if (!(value instanceof Map<?, ?> rate) || !(rate.get("per") instanceof String per)) {
      throw new IllegalArgumentException("no rate");
    }
    Object burst = rate.get("burst");
    return new RateLimit(
        number(rate.get("amount")), Duration.parse(per), burst == null ? 0 : number(burst));
  }

  private static long number(@Nullable Object value) {
    if (value instanceof Long || value instanceof Integer) {
      return ((Number) value).longValue();
    }
    throw new IllegalArgumentException("no whole number");
  }

  /** The claim; null only where it is missing. */
  private static @Nullable Object find(Map<String, Object> claims, String name)
      throws UnusableClaimException {
    if (claims.containsKey(name) || name.indexOf('.') < 0) {
      return member(claims, name, name);
    }
    Object at = claims;
    for (String part : name.split("\\.", -1)) {
      at = at instanceof Map<?, ?> object ? member(object, part, name) : null;
    }
    return at;
  }

  private static @Nullable Object member(Map<?, ?> object, String name, String claim)
      throws UnusableClaimException {
    Object value = object.get(name);
    if (value == null && object.containsKey(name)) {
      throw new UnusableClaimException(claim);
    }
    return value;
  }
}
