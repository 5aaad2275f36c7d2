package io.llmguard.upstream;

import io.llmguard.policy.Endpoint;
import io.llmguard.policy.Endpoint.BodyKind;
import io.llmguard.wire.Operation;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Decides what of a query goes upstream.
 *
 * <p>Nobody judges a query, and some servers read in it what stands in the body, as LocalAI reads
 * {@code model}. So of an operation that is judged only those parameters pass that it knows and
 * that decide nothing. The query of an operation whose body passes through unread, and of an
 * application's own path, passes as it is.
 */
final class PassedQuery {
  private static final Set<String> OF_MESSAGES = Set.of("beta");
  private static final Set<String> OF_MODELS = Set.of("limit", "after_id", "before_id");

  private PassedQuery() {}

  static @Nullable String of(@Nullable Endpoint endpoint, @Nullable String query) {
    if (query == null
        || endpoint == null
        || endpoint.body() == BodyKind.OPAQUE
        || endpoint.operation() == Operation.OTHER) {
      return query;
    }
    Set<String> known =
        switch (endpoint.operation()) {
          case ANTHROPIC_MESSAGES -> OF_MESSAGES;
          case OPENAI_MODELS -> OF_MODELS;
          default -> Set.of();
        };
    if (known.isEmpty()) {
      return null;
    }
    Set<String> open = new TreeSet<>(known);
    StringJoiner kept = new StringJoiner("&").setEmptyValue("");
    for (String each : query.split("&", -1)) {
      int equals = each.indexOf('=');
      if (equals > 0 && isPlain(each, equals + 1) && open.remove(each.substring(0, equals))) {
        kept.add(each);
      }
    }
    return kept.length() == 0 ? null : kept.toString();
  }

  /** True if nothing stands there that a reader could take for the end of a parameter. */
  private static boolean isPlain(String text, int from) {
    return text.substring(from)
        .chars()
        .allMatch(c -> (c < 0x80 && Character.isLetterOrDigit(c)) || "-._:".indexOf(c) >= 0);
  }
}
