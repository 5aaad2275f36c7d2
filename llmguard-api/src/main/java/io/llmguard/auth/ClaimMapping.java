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
 * <p>A claim that is there but is null, in whole or in part, or cannot be understood makes the
 * token unusable: read as absent, it would take a restriction away.
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
      Object models = part(limits, "per_model");
      if (models instanceof Map<?, ?> rates) {
        for (Map.Entry<?, ?> entry : rates.entrySet()) {
          perModel.put(String.valueOf(entry.getKey()), rate(entry.getValue()));
        }
      } else if (models != null) {
        throw new UnusableClaimException(names.limits);
      }
      Object requests = part(limits, "requests");
      Object tokens = part(limits, "tokens");
      Object concurrency = part(limits, "concurrency");
      Object priority = part(limits, "priority");
      return new LimitSet(
          requests == null ? null : rate(requests),
          tokens == null ? null : rate(tokens),
          concurrency == null ? null : Math.toIntExact(number(concurrency)),
          perModel,
          ceilings(part(limits, "ceilings")),
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
    for (Object name : ceilings.keySet()) {
      named.put(String.valueOf(name), part(ceilings, name));
    }
    return CallerCeilings.parse(named);
  }

  private static RateLimit rate(@Nullable Object value) {
    if (!(value instanceof Map<?, ?> rate) || !(rate.get("per") instanceof String per)) {
      throw new IllegalArgumentException("no rate");
    }
    Object burst = part(rate, "burst");
    return new RateLimit(
        number(rate.get("amount")), Duration.parse(per), burst == null ? 0 : number(burst));
  }

  /** A part of a claim; null only where it is missing. */
  private static @Nullable Object part(Map<?, ?> object, Object name) {
    Object value = object.get(name);
    if (value == null && object.containsKey(name)) {
      throw new IllegalArgumentException("a part is null");
    }
    return value;
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
