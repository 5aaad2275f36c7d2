package io.llmguard.jdbc.internal;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.UUID;

/**
 * A process that uses a ledger.
 *
 * @param id a random name
 * @param host the machine, and on Linux the space of process numbers
 * @param pid its process number
 * @param startedAt when it started, in milliseconds of the epoch; 0 if unknown
 * @param seenAt when it was last heard of
 */
public record ProcessMark(String id, String host, long pid, long startedAt, long seenAt) {
  /** So long may a process be silent. */
  public static final Duration SILENCE = Duration.ofSeconds(60);

  /** A new mark of this process. */
  public static ProcessMark own() {
    ProcessHandle self = ProcessHandle.current();
    return new ProcessMark(UUID.randomUUID().toString(), thisHost(), self.pid(), startOf(self), 0);
  }

  private static long startOf(ProcessHandle process) {
    return process.info().startInstant().map(Instant::toEpochMilli).orElse(0L);
  }

  private static String thisHost() {
    String name;
    try {
      name = InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      name = "localhost";
    }
    try {
      return name + " " + Files.readSymbolicLink(Path.of("/proc/self/ns/pid"));
    } catch (IOException | UnsupportedOperationException e) {
      return name;
    }
  }

  /** True if it was silent for too long, or ran here and is gone. */
  public boolean dead(ProcessMark self, long now) {
    if (seenAt < now - SILENCE.toMillis()) {
      return true;
    }
    if (!host.equals(self.host)) {
      return false;
    }
    Optional<ProcessHandle> process = ProcessHandle.of(pid);
    return process.isEmpty() || (startedAt != 0 && startOf(process.get()) != startedAt);
  }
}
