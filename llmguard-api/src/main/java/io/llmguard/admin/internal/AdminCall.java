package io.llmguard.admin.internal;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.auth.Caller;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An admin call while it is answered. */
public final class AdminCall {
  private final Caller caller;
  private final @Nullable String key;
  private final @Nullable String rawQuery;
  private final ObjectNode body;
  private final Set<String> targets = new LinkedHashSet<>();

  /**
   * A call.
   *
   * @param caller an administrator
   * @param key what the path says about which key, or null
   * @param rawQuery the query, undecoded
   * @param body the object that was sent, an empty one without a body
   */
  public AdminCall(
      Caller caller, @Nullable String key, @Nullable String rawQuery, ObjectNode body) {
    this.caller = caller;
    this.key = key;
    this.rawQuery = rawQuery;
    this.body = body;
  }

  /** An administrator. */
  Caller caller() {
    return caller;
  }

  /** What the path says about which key, or null. */
  @Nullable String key() {
    return key;
  }

  /** The parameters, all of which are among these. */
  Query query(String... known) {
    return Query.parse(rawQuery, Set.of(known));
  }

  /** The fields of the body. */
  Fields fields() {
    query();
    return new Fields(body);
  }

  /** Notes a record that the call is about, for the audit trail. */
  void target(String id) {
    targets.add(id);
  }

  /** The ids of the records that the call was about, separated by blanks; null without one. */
  public @Nullable String targets() {
    return targets.isEmpty() ? null : String.join(" ", targets);
  }
}
