package io.llmguard.key;

import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** Keeps key records in memory, for tests and for applications that bring their own keys. */
public final class MemoryKeyStore implements KeyStore {
  private static final Comparator<KeyRecord> OLDEST_FIRST =
      Comparator.comparing(KeyRecord::createdAt).thenComparing(KeyRecord::id);

  private record Row(KeyRecord record, long revision) {}

  private final Map<String, Row> rows = new HashMap<>();
  private final Map<KeyHash, String> ids = new HashMap<>();
  private long revision;
  private long deletedRevision;

  /** An empty store. */
  public MemoryKeyStore() {}

  @Override
  public synchronized void create(KeyRecord record) {
    KeyHash previous = record.previousHash();
    if (rows.containsKey(record.id())
        || ids.containsKey(record.hash())
        || (previous != null && ids.containsKey(previous))) {
      throw new IllegalArgumentException("the id or the hash of the key is taken: " + record.id());
    }
    put(record);
  }

  @Override
  public synchronized @Nullable KeyRecord find(String id) {
    Row row = rows.get(id);
    return row == null ? null : row.record;
  }

  @Override
  public synchronized @Nullable KeyRecord findByHash(KeyHash hash) {
    String id = ids.get(hash);
    return id == null ? null : find(id);
  }

  @Override
  public synchronized List<KeyRecord> list() {
    return rows.values().stream().map(Row::record).sorted(OLDEST_FIRST).toList();
  }

  @Override
  public synchronized boolean update(KeyRecord edited) {
    return change(
        edited.id(),
        stored ->
            edited.toBuilder()
                .state(stored.state())
                .lastUsedAt(stored.lastUsedAt())
                .hashesOf(stored)
                .build());
  }

  @Override
  public synchronized boolean rotate(
      String id, KeyHash replaced, KeyHash newHash, Instant previousUntil) {
    KeyRecord stored = find(id);
    if (stored == null
        || stored.state() == KeyRecord.State.REVOKED
        || !stored.hash().equals(replaced)) {
      return false;
    }
    if (ids.containsKey(newHash)) {
      throw new IllegalArgumentException("the hash of the new key is taken: " + id);
    }
    return change(id, record -> record.toBuilder().replaceKey(newHash, previousUntil).build());
  }

  @Override
  public synchronized boolean block(String id) {
    return move(id, KeyRecord.State.ACTIVE, KeyRecord.State.BLOCKED);
  }

  @Override
  public synchronized boolean unblock(String id) {
    return move(id, KeyRecord.State.BLOCKED, KeyRecord.State.ACTIVE);
  }

  @Override
  public synchronized boolean revoke(String id) {
    return move(id, KeyRecord.State.ACTIVE, KeyRecord.State.REVOKED)
        || move(id, KeyRecord.State.BLOCKED, KeyRecord.State.REVOKED);
  }

  @Override
  public synchronized boolean delete(String id) {
    KeyRecord record = find(id);
    if (record == null) {
      return false;
    }
    rows.remove(id);
    forgetHashes(record);
    deletedRevision = ++revision;
    return true;
  }

  @Override
  public synchronized void touch(Map<String, Instant> lastUsed) {
    lastUsed.forEach(
        (id, time) ->
            rows.computeIfPresent(
                id,
                (sameId, row) -> {
                  Instant known = row.record.lastUsedAt();
                  return known != null && !known.isBefore(time)
                      ? row
                      : new Row(row.record.toBuilder().lastUsedAt(time).build(), row.revision);
                }));
  }

  @Override
  public synchronized long revision() {
    return revision;
  }

  @Override
  public synchronized Changes changesSince(long known) {
    boolean complete = known < 0 || known > revision || deletedRevision > known;
    return new Changes(
        revision,
        complete,
        rows.values().stream()
            .filter(row -> complete || row.revision > known)
            .map(Row::record)
            .sorted(OLDEST_FIRST)
            .toList());
  }

  private boolean move(String id, KeyRecord.State from, KeyRecord.State to) {
    KeyRecord stored = find(id);
    return stored != null
        && stored.state() == from
        && change(id, record -> record.toBuilder().state(to).build());
  }

  private boolean change(String id, UnaryOperator<KeyRecord> edit) {
    KeyRecord stored = find(id);
    if (stored == null) {
      return false;
    }
    KeyRecord edited = edit.apply(stored);
    forgetHashes(stored);
    put(edited);
    return true;
  }

  private void put(KeyRecord record) {
    rows.put(record.id(), new Row(record, ++revision));
    ids.put(record.hash(), record.id());
    KeyHash previous = record.previousHash();
    if (previous != null) {
      ids.put(previous, record.id());
    }
  }

  private void forgetHashes(KeyRecord record) {
    ids.remove(record.hash());
    KeyHash previous = record.previousHash();
    if (previous != null) {
      ids.remove(previous);
    }
  }
}
