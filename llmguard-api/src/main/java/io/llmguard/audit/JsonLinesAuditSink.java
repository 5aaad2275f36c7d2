package io.llmguard.audit;

import io.llmguard.TimeSource;
import io.llmguard.audit.internal.AuditFiles;
import io.llmguard.audit.internal.Trail;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Appends audit events to a file, one line of JSON each, chained so that a removed, changed or
 * reordered line is found by {@link AuditVerifier}.
 *
 * <p>The last two fields of a line are {@code prev}, the {@code hash} of the line before (64 zeros
 * in the very first), and {@code hash}, the hex SHA-256 of the line's bytes before {@code ,"hash"}.
 * The chain goes on over rotated files ({@code audit-000001.jsonl} beside {@code audit.jsonl}). A
 * second small file, the head, keeps how many lines there are and the hash of the last one, so that
 * a cut tail is found as well. The chain has no secret: who can write both files and takes the time
 * can forge both; keep the head, or copies of its hash, where such a hand does not reach.
 *
 * <p>New files have mode 0600. One appender at a time has a trail open; a second one, in this
 * process or another, fails to open it. What is found wrong when the trail is opened, such as a
 * line that a crash tore, stays there, is logged, and followed by a line with {@code marker} that
 * says what it was. Not thread-safe: use it through an {@link AuditQueue}.
 */
public final class JsonLinesAuditSink implements AuditSink {
  private final Trail trail;

  private JsonLinesAuditSink(Trail trail) {
    this.trail = trail;
  }

  /** A builder of a sink that appends to this file. */
  public static Builder builder(Path file) {
    return new Builder(file);
  }

  @Override
  public void write(List<AuditEvent> events) throws IOException {
    trail.write(events);
  }

  @Override
  public void writeUnaudited(long calls) throws IOException {
    trail.writeMarker("calls-refused", fields -> fields.put("calls", calls));
  }

  /** Notes in the head that the trail ends here, and gives the files back. */
  @Override
  public void close() throws IOException {
    trail.close();
  }

  /** Sets up a sink. Not thread-safe. */
  public static final class Builder {
    private final Path file;
    private @Nullable Path head;
    private long maxBytes = 100L << 20;
    private @Nullable Duration maxAge;
    private Durability durability = Durability.FLUSH;
    private TimeSource time = TimeSource.system();

    private Builder(Path file) {
      this.file = Objects.requireNonNull(file);
    }

    /** Where the head is kept; beside the file, with {@code .head} after its name, unless set. */
    public Builder head(Path value) {
      head = value;
      return this;
    }

    /** At which size in bytes a new file begins; at least 1, 100 MiB unless set. */
    public Builder maxBytes(long value) {
      if (value < 1) {
        throw new IllegalArgumentException("an audit file has at least one byte: " + value);
      }
      maxBytes = value;
      return this;
    }

    /** At which age a new file begins; never unless set. */
    public Builder maxAge(Duration value) {
      if (value.isNegative() || value.isZero()) {
        throw new IllegalArgumentException("the age of an audit file is positive: " + value);
      }
      maxAge = value;
      return this;
    }

    /** When a line counts as kept; FLUSH unless set. */
    public Builder durability(Durability value) {
      durability = Objects.requireNonNull(value);
      return this;
    }

    /** Where the sink takes the time from; the machine's clocks unless set. */
    public Builder time(TimeSource value) {
      time = Objects.requireNonNull(value);
      return this;
    }

    /**
     * Opens the trail.
     *
     * @throws IOException if it cannot be opened or another appender has it open
     */
    public JsonLinesAuditSink open() throws IOException {
      Path headFile = head == null ? new AuditFiles(file).head() : head;
      return new JsonLinesAuditSink(new Trail(file, headFile, maxBytes, maxAge, durability, time));
    }
  }
}
