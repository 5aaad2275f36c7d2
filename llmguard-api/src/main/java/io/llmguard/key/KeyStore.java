package io.llmguard.key;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Keeps key records.
 *
 * <p>Every method may block on I/O: a call on the request path goes through a {@link KeyDirectory}
 * instead. Each change is atomic, and is seen by every reader of the same store, be it in another
 * process, by a higher {@link #revision}. Implementations are thread-safe. Methods throw {@link
 * KeyStoreException} while the store cannot be reached.
 */
public interface KeyStore {
  /**
   * Adds a record.
   *
   * @throws IllegalArgumentException if its id or one of its hashes is taken
   */
  void create(KeyRecord record);

  /** The record of that id, or null. */
  @Nullable KeyRecord find(String id);

  /** The record whose key, current or replaced, has that hash, in whatever state; or null. */
  @Nullable KeyRecord findByHash(KeyHash hash);

  /** All records, oldest first. */
  List<KeyRecord> list();

  /**
   * Replaces what an administrator may edit: name, owner, team, scopes, models, limits, budget,
   * networks, expiry and metadata. State, hashes and times of use stay as they are in the store, so
   * that an edit never undoes a revocation made at the same time.
   *
   * @return false if there is no record of that id
   */
  boolean update(KeyRecord record);

  /**
   * Puts another key in the place of a record's key, which is kept as the replaced one. A key
   * replaced by an earlier rotation ends at once; {@link KeyIssuer#rotate} keeps its grace.
   *
   * @param replaced the hash of the key that is to be replaced: of two that replace the same key at
   *     once, one succeeds
   * @param previousUntil until when the replaced key still lets its holder in
   * @return false if there is no record of that id, it is revoked, or its key is another one by now
   * @throws IllegalArgumentException if the new hash is taken
   */
  boolean rotate(String id, KeyHash replaced, KeyHash newHash, Instant previousUntil);

  /**
   * Blocks an active record.
   *
   * @return false if there is no active record of that id
   */
  boolean block(String id);

  /**
   * Makes a blocked record active again.
   *
   * @return false if there is no blocked record of that id
   */
  boolean unblock(String id);

  /**
   * Revokes a record for good.
   *
   * @return false if there is no record of that id or it is revoked already
   */
  boolean revoke(String id);

  /**
   * Removes a record and all that is known of it.
   *
   * @return false if there is no record of that id
   */
  boolean delete(String id);

  /**
   * Notes when records were last used; a time before the known one, and an unknown id, change
   * nothing. Leaves the revision as it is.
   *
   * @param lastUsed times by id
   */
  void touch(Map<String, Instant> lastUsed);

  /** A number that rises with every change other than {@link #touch}; cheap to ask for. */
  long revision();

  /**
   * What changed after a revision.
   *
   * @param revision an earlier answer's revision, or -1 for everything; everything also comes for
   *     one that the store has not reached, as when it was restored from a backup
   */
  Changes changesSince(long revision);

  /**
   * What changed in a store.
   *
   * @param revision the revision that a reader has reached with these records
   * @param complete true if {@code records} is all there is, so that any other record is gone
   * @param records the records as they are now
   */
  record Changes(long revision, boolean complete, List<KeyRecord> records) {
    /** Copies the list. */
    public Changes {
      records = List.copyOf(records);
    }
  }
}
