package io.llmguard.admin.internal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.TimeSource;
import io.llmguard.key.ApiKey;
import io.llmguard.key.IssuedKey;
import io.llmguard.key.KeyHash;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.KeyRecord;
import io.llmguard.key.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The calls about keys. Thread-safe; blocks on the store. */
public final class KeyCalls {
  private static final int MAX_DELETE = 100;
  private static final Set<String> ORDERS = Set.of("asc", "desc");

  private final KeyStore store;
  private final KeyIssuer issuer;
  private final TimeSource time;
  private final Runnable changed;
  // an edit reads a record and writes it back
  private final Object editing = new Object();

  /**
   * Calls on a store.
   *
   * @param changed run after every change
   */
  public KeyCalls(KeyStore store, TimeSource time, Runnable changed) {
    this.store = store;
    this.time = time;
    this.changed = changed;
    this.issuer = new KeyIssuer(store, time);
  }

  /** {@code POST /key/generate}. */
  public ObjectNode generate(AdminCall call) {
    Fields fields = call.fields();
    List<String> warnings = new ArrayList<>();
    KeyField.check(fields, warnings);
    refuse(fields, "key", "keys are made here, so that none is weak or known elsewhere");
    refuse(fields, "grace_period", "it is for /key/regenerate");
    KeyEdit edit = new KeyEdit(fields, time.now());
    IssuedKey issued;
    synchronized (editing) {
      refuseTakenAlias(fields, null);
      issued = checked(() -> issuer.issue(builder -> edit.apply(builder.build())));
      if (Boolean.TRUE.equals(fields.bool("blocked"))) {
        store.block(issued.record().id());
      }
    }
    changed.run();
    call.target(issued.record().id());
    return issued(issued, warnings);
  }

  private static void refuse(Fields fields, String name, String why) {
    if (!fields.isEmpty(name)) {
      throw BadCall.request(name + " is not supported here: " + why);
    }
  }

  private ObjectNode issued(IssuedKey issued, List<String> warnings) {
    ObjectNode answer = StrictJson.object();
    answer.put("key", issued.key().reveal());
    KeyRecord record = store.find(issued.record().id());
    KeyJson.of(record == null ? issued.record() : record, answer);
    answer.put("token_id", issued.record().hash().hex());
    return warn(answer, warnings);
  }

  private static ObjectNode warn(ObjectNode answer, List<String> warnings) {
    if (!warnings.isEmpty()) {
      ArrayNode list = answer.putArray("warnings");
      warnings.forEach(list::add);
    }
    return answer;
  }

  /**
   * {@code GET /key/info}.
   *
   * @param spend tells what the key has spent, or null
   */
  public ObjectNode info(AdminCall call, @Nullable SpendCalls spend) {
    String key = call.query("key").text("key");
    if (key == null) {
      key = call.caller().keyId();
    }
    if (key == null) {
      throw BadCall.request("key must say which key: its id, its hash or the key itself");
    }
    KeyRecord record = find(call, "key", key);
    ObjectNode answer = StrictJson.object();
    answer.put("key", record.hash().hex());
    ObjectNode info = KeyJson.of(record, answer.putObject("info"));
    if (spend != null) {
      info.put("spend", spend.spentBy(record));
    }
    return answer;
  }

  /** {@code GET /key/list}. */
  public ObjectNode list(AdminCall call) {
    Query query =
        call.query(
            "page",
            "size",
            "user_id",
            "team_id",
            "key_alias",
            "key_hash",
            "return_full_object",
            "include_team_keys",
            "include_created_by_keys",
            "sort_by",
            "sort_order");
    int page = query.number("page", 1, 1, 1_000_000);
    int size = query.number("size", 10, 1, 100);
    boolean full = query.bool("return_full_object");
    // an administrator sees every key, be it of a team or made by whomever
    query.bool("include_team_keys");
    query.bool("include_created_by_keys");
    Stream<KeyRecord> matching = store.list().stream();
    matching = with(matching, query.text("user_id"), KeyRecord::owner);
    matching = with(matching, query.text("team_id"), KeyRecord::team);
    matching = with(matching, query.text("key_alias"), KeyRecord::name);
    matching = with(matching, query.text("key_hash"), record -> record.hash().hex());
    List<KeyRecord> found = matching.sorted(order(query)).toList();
    ObjectNode answer = StrictJson.object();
    ArrayNode keys = answer.putArray("keys");
    found.stream()
        .skip((long) (page - 1) * size)
        .limit(size)
        .forEach(
            record -> {
              if (full) {
                KeyJson.of(record, keys.addObject());
              } else {
                keys.add(record.hash().hex());
              }
            });
    answer.put("total_count", found.size());
    answer.put("current_page", page);
    answer.put("total_pages", (found.size() + size - 1) / size);
    return answer;
  }

  private interface Property {
    @Nullable String of(KeyRecord record);
  }

  private static Stream<KeyRecord> with(
      Stream<KeyRecord> records, @Nullable String wanted, Property property) {
    return wanted == null ? records : records.filter(record -> wanted.equals(property.of(record)));
  }

  private static Comparator<KeyRecord> order(Query query) {
    String by = query.text("sort_by");
    String direction = query.text("sort_order");
    if (direction != null && !ORDERS.contains(direction)) {
      throw BadCall.request("sort_order must be asc or desc");
    }
    Comparator<KeyRecord> order =
        switch (by == null ? "created_at" : by) {
          case "created_at" -> Comparator.comparing(KeyRecord::createdAt);
          case "key_alias" -> Comparator.comparing(KeyRecord::name);
          case "expires" ->
              Comparator.comparing(
                  record -> Objects.requireNonNullElse(record.expiresAt(), Instant.MAX));
          default -> throw BadCall.request("sort_by must be created_at, key_alias or expires");
        };
    order = order.thenComparing(KeyRecord::id);
    return "asc".equals(direction) ? order : order.reversed();
  }

  /** {@code POST /key/update}. */
  public ObjectNode update(AdminCall call) {
    Fields fields = call.fields();
    List<String> warnings = new ArrayList<>();
    KeyField.check(fields, warnings);
    refuse(fields, "grace_period", "it is for /key/regenerate");
    KeyEdit edit = new KeyEdit(fields, time.now());
    Boolean blocked = fields.bool("blocked");
    KeyRecord edited;
    synchronized (editing) {
      KeyRecord record = live(find(call, "key", required(fields, "key")));
      refuseTakenAlias(fields, record.id());
      write(checked(() -> edit.apply(record).build()));
      if (blocked != null) {
        move(record.id(), blocked);
      }
      edited = again(record.id());
    }
    changed.run();
    ObjectNode answer = StrictJson.object();
    answer.put("key", edited.hash().hex());
    return warn(KeyJson.of(edited, answer), warnings);
  }

  private void write(KeyRecord record) {
    if (!store.update(record)) {
      throw BadCall.unknownKey("key");
    }
  }

  /** {@code POST /key/block} and {@code POST /key/unblock}. */
  public ObjectNode block(AdminCall call, boolean blocked) {
    Fields fields = call.fields();
    only(fields, Set.of("key"));
    KeyRecord record = live(find(call, "key", required(fields, "key")));
    move(record.id(), blocked);
    changed.run();
    return KeyJson.of(again(record.id()), StrictJson.object());
  }

  private void move(String id, boolean blocked) {
    // false where it is in that state already, which is what was asked for
    if (blocked) {
      store.block(id);
    } else {
      store.unblock(id);
    }
  }

  /** {@code POST /key/regenerate} and {@code POST /key/KEY/regenerate}. */
  public ObjectNode regenerate(AdminCall call) {
    Fields fields = call.fields();
    List<String> warnings = new ArrayList<>();
    KeyField.check(fields, warnings);
    Duration grace = grace(fields.text("grace_period"));
    KeyEdit edit = new KeyEdit(fields, time.now());
    Boolean blocked = fields.bool("blocked");
    IssuedKey issued;
    synchronized (editing) {
      String inPath = call.key();
      KeyRecord record = live(find(call, "key", inPath == null ? required(fields, "key") : inPath));
      if (inPath != null && !fields.isEmpty("key")) {
        KeyRecord named = find(call, "key", required(fields, "key"));
        if (!named.id().equals(record.id())) {
          throw BadCall.request("key and the path name two keys");
        }
      }
      refuseTakenAlias(fields, record.id());
      if (!grace.isZero() && record.inGrace(time.now())) {
        throw BadCall.request(
            "grace_period cannot be given while the grace of the last rotation lasts: until "
                + record.previousUntil());
      }
      write(checked(() -> edit.apply(record).build()));
      if (blocked != null) {
        move(record.id(), blocked);
      }
      try {
        issued = issuer.rotate(record.id(), grace);
      } catch (IllegalArgumentException e) {
        throw BadCall.request(String.valueOf(e.getMessage()));
      }
    }
    if (issued == null) {
      throw new BadCall(409, "key-revoked", "the key is revoked for good; make another");
    }
    changed.run();
    return issued(issued, warnings);
  }

  private static Duration grace(@Nullable String period) {
    if (period == null || period.isEmpty()) {
      return Duration.ZERO;
    }
    if (period.matches("[0-9]{1,6}[smhdw]")) {
      long amount = Long.parseLong(period.substring(0, period.length() - 1));
      return switch (period.charAt(period.length() - 1)) {
        case 's' -> Duration.ofSeconds(amount);
        case 'm' -> Duration.ofMinutes(amount);
        case 'h' -> Duration.ofHours(amount);
        case 'd' -> Duration.ofDays(amount);
        default -> Duration.ofDays(7 * amount);
      };
    }
    throw BadCall.request("grace_period must be a period such as 30m, 24h or 2d");
  }

  /** {@code POST /key/delete}: all of the named keys, or none where one is not known. */
  public ObjectNode delete(AdminCall call) {
    Fields fields = call.fields();
    only(fields, Set.of("keys", "key_aliases"));
    Map<String, KeyRecord> records = new LinkedHashMap<>();
    for (String key : Objects.requireNonNullElse(fields.texts("keys"), List.<String>of())) {
      KeyRecord record = find(call, "an entry of keys", key);
      records.put(record.id(), record);
    }
    List<String> aliases = fields.texts("key_aliases");
    if (aliases != null) {
      List<KeyRecord> all = store.list();
      for (String alias : aliases) {
        KeyRecord record = named(all, alias);
        call.target(record.id());
        records.put(record.id(), record);
      }
    }
    if (records.isEmpty() || records.size() > MAX_DELETE) {
      throw BadCall.request("keys or key_aliases must name 1 to " + MAX_DELETE + " keys");
    }
    ObjectNode answer = StrictJson.object();
    ArrayNode deleted = answer.putArray("deleted_keys");
    for (KeyRecord record : records.values()) {
      store.delete(record.id());
      deleted.add(record.hash().hex());
    }
    changed.run();
    return answer;
  }

  private static KeyRecord named(List<KeyRecord> all, String alias) {
    List<KeyRecord> found = all.stream().filter(record -> record.name().equals(alias)).toList();
    if (found.size() > 1) {
      throw new BadCall(
          409, "ambiguous-alias", "an entry of key_aliases names more than one key; use its id");
    }
    if (found.isEmpty()) {
      throw BadCall.unknownKey("an entry of key_aliases");
    }
    return found.get(0);
  }

  private static void only(Fields fields, Set<String> known) {
    for (String name : fields.names()) {
      if (!known.contains(name)) {
        throw BadCall.request("there is no field " + Names.shown(name) + " in this request");
      }
    }
  }

  private static String required(Fields fields, String name) {
    String value = fields.text(name);
    if (value == null || value.isEmpty()) {
      throw BadCall.request(name + " is missing");
    }
    return value;
  }

  private void refuseTakenAlias(Fields fields, @Nullable String ownId) {
    String alias = fields.text("key_alias");
    if (alias == null || alias.isBlank()) {
      return;
    }
    for (KeyRecord record : store.list()) {
      if (record.name().equals(alias) && !record.id().equals(ownId)) {
        throw BadCall.request("key_alias is taken by another key; aliases are unique");
      }
    }
  }

  /** The record of a key that is named by its id, its hash or itself. */
  KeyRecord find(AdminCall call, String where, String key) {
    KeyRecord record;
    if (key.matches("[0-9a-fA-F]{64}")) {
      record = store.findByHash(KeyHash.parse(key));
    } else if (ApiKey.parse(key) instanceof ApiKey.Parsed.WellFormed known) {
      record = store.findByHash(known.key().hash());
    } else {
      record = store.find(key);
    }
    if (record == null) {
      throw BadCall.unknownKey(where);
    }
    call.target(record.id());
    return record;
  }

  private static KeyRecord live(KeyRecord record) {
    if (record.state() == KeyRecord.State.REVOKED) {
      throw new BadCall(409, "key-revoked", "the key is revoked for good; make another");
    }
    return record;
  }

  private KeyRecord again(String id) {
    KeyRecord record = store.find(id);
    if (record == null) {
      throw BadCall.unknownKey("key");
    }
    return record;
  }

  private interface Making<T> {
    T make();
  }

  /** What a record itself refuses is the request's fault. */
  private static <T> T checked(Making<T> making) {
    try {
      return making.make();
    } catch (IllegalArgumentException e) {
      throw BadCall.request(String.valueOf(e.getMessage()));
    }
  }
}
