package io.llmguard.audit;

import java.io.IOException;
import java.util.List;

/**
 * Where audit events end up.
 *
 * <p>An {@link AuditQueue} calls a sink on one thread of its own, so an implementation may block
 * and need not be thread-safe.
 */
@FunctionalInterface
public interface AuditSink extends AutoCloseable {
  /**
   * Writes the events, all or none, and returns when they are as durable as this sink promises.
   *
   * @throws IOException if they could not be written; the same events are then offered again
   */
  void write(List<AuditEvent> events) throws IOException;

  /**
   * Notes that calls were refused without a line of their own, because the trail had no room for
   * them. A sink that keeps lines writes one that says so; by default nothing happens.
   *
   * @param calls how many since the last note
   * @throws IOException if it could not be written; the note is then offered again
   */
  default void writeUnaudited(long calls) throws IOException {}

  /** Gives back what the sink holds; nothing by default. */
  @Override
  default void close() throws IOException {}
}
