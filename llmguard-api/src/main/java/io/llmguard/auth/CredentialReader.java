package io.llmguard.auth;

import io.llmguard.GuardRequest;
import io.llmguard.Refusal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Finds the one credential in a call's header fields, and refuses what is no clear answer. */
final class CredentialReader {
  private static final int MAX_LENGTH = 16 * 1024;
  private static final String SCHEME = "bearer";

  /** Parameters in which other servers take a key, where it ends up in logs and histories. */
  private static final Set<String> QUERY_NAMES =
      Set.of("key", "api_key", "apikey", "api-key", "access_token", "token");

  private static final Refusal IN_QUERY =
      Refusal.of(
          401,
          "credential-in-query",
          "a key is not taken from the query, where logs would keep it; send it as"
              + " 'Authorization: Bearer KEY' or 'X-Api-Key: KEY', and replace the one that was"
              + " sent");
  private static final Refusal ALSO_IN_QUERY =
      Refusal.of(
          400,
          "credential-in-query",
          "a key stands in the query beside the one in the header; send the header only");
  private static final Refusal AMBIGUOUS =
      Refusal.of(
          400,
          "ambiguous-credentials",
          "the call carries two credentials that differ; send one of them");
  private static final Refusal TOO_LARGE =
      Refusal.of(
          400,
          "credential-too-large",
          "the credential is larger than " + MAX_LENGTH + " characters");

  /** What stands in a call. */
  sealed interface Reading {
    /** No credential. */
    record None() implements Reading {}

    /** One credential, be it said several times. */
    record One(Credential credential) implements Reading {}

    /** No clear answer; the credential is the first of several. */
    record Unclear(Refusal refusal, @Nullable Credential credential) implements Reading {}
  }

  private static final Reading NONE = new Reading.None();
  private static final Reading UNCLEAR_QUERY = new Reading.Unclear(IN_QUERY, null);
  private static final Reading UNCLEAR_SIZE = new Reading.Unclear(TOO_LARGE, null);

  private final List<String> fields;
  private final Set<String> queryNamesKeys;

  /**
   * A reader of {@code Authorization} and of these fields.
   *
   * @param queryNamesKeys raw paths whose parameters may name a key beside the one in the header
   */
  CredentialReader(List<String> fields, Set<String> queryNamesKeys) {
    this.fields = List.copyOf(fields);
    this.queryNamesKeys = Set.copyOf(queryNamesKeys);
  }

  Reading read(GuardRequest request) {
    String found = null;
    boolean differ = false;
    for (String line : request.headers().all(CredentialHeaders.AUTHORIZATION)) {
      String token = bearer(line);
      if (!token.isEmpty()) {
        differ |= found != null && !found.equals(token);
        found = found == null ? token : found;
      }
    }
    for (String field : fields) {
      for (String line : request.headers().all(field)) {
        String token = line.strip();
        if (!token.isEmpty()) {
          differ |= found != null && !found.equals(token);
          found = found == null ? token : found;
        }
      }
    }
    boolean inQuery = inQuery(request.rawQuery());
    if (found == null) {
      return inQuery ? UNCLEAR_QUERY : NONE;
    }
    if (found.length() > MAX_LENGTH) {
      return UNCLEAR_SIZE;
    }
    Credential credential = new Credential(found);
    if (differ) {
      return new Reading.Unclear(AMBIGUOUS, credential);
    }
    return inQuery && !queryNamesKeys.contains(request.rawPath())
        ? new Reading.Unclear(ALSO_IN_QUERY, credential)
        : new Reading.One(credential);
  }

  /** The token of a bearer credential, or nothing for another scheme. */
  private static String bearer(String line) {
    String value = line.strip();
    return value.length() > SCHEME.length()
            && value.regionMatches(true, 0, SCHEME, 0, SCHEME.length())
            && Character.isWhitespace(value.charAt(SCHEME.length()))
        ? value.substring(SCHEME.length()).strip()
        : "";
  }

  private static boolean inQuery(@Nullable String query) {
    if (query == null || query.isEmpty()) {
      return false;
    }
    for (String name : names(query)) {
      if (QUERY_NAMES.contains(name.toLowerCase(Locale.ROOT))) {
        return true;
      }
    }
    return false;
  }

  /** The decoded names of a query's parameters, between any of the separators that servers take. */
  private static List<String> names(String query) {
    List<String> names = new ArrayList<>(4);
    int from = 0;
    for (int i = 0; i <= query.length(); i++) {
      if (i == query.length() || query.charAt(i) == '&' || query.charAt(i) == ';') {
        int equals = query.indexOf('=', from);
        names.add(
            PercentEncoding.decode(query.substring(from, equals < 0 || equals > i ? i : equals)));
        from = i + 1;
      }
    }
    return names;
  }
}
