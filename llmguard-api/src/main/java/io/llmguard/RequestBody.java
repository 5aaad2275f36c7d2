package io.llmguard;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What goes upstream as the body of a call. */
public sealed interface RequestBody {
  /** Its length in bytes; -1 where that is not known. */
  long length();

  /** There is no body. */
  record None() implements RequestBody {
    @Override
    public long length() {
      return 0;
    }
  }

  /**
   * A body that was read and checked, and stands in memory.
   *
   * @param content the bytes, from position to limit; each call gives a view of its own
   */
  record InMemory(ByteBuffer content) implements RequestBody {
    /** Takes a read-only view of the bytes, which are not copied. */
    public InMemory {
      content = content.asReadOnlyBuffer();
    }

    @Override
    public ByteBuffer content() {
      return content.duplicate();
    }

    @Override
    public long length() {
      return content.remaining();
    }
  }

  /** A body that was checked and lies in a file of the exchange, which deletes it at the end. */
  sealed interface Spooled extends RequestBody {
    /** All of it, to be read once and closed; reading may block. */
    InputStream open() throws IOException;

    /**
     * What stands between two places, to be read once and closed; reading may block.
     *
     * @param from a place in the file as it was spooled
     * @param to another, not before it; no replacement goes beyond either
     */
    InputStream open(long from, long to) throws IOException;

    /** How many bytes {@link #open(long, long)} has. */
    long length(long from, long to);
  }

  /**
   * A file as it is.
   *
   * @param file the file
   * @param length its length in bytes
   */
  record InFile(Path file, long length) implements Spooled {
    @Override
    public InputStream open() throws IOException {
      return open(0, length);
    }

    @Override
    public InputStream open(long from, long to) throws IOException {
      return new SpooledInput(file, from, to, List.of());
    }

    @Override
    public long length(long from, long to) {
      return to - from;
    }
  }

  /**
   * A file with a few bytes replaced.
   *
   * @param file the file as it is
   * @param edits what is replaced, in the order of the file, none in another
   */
  record EditedFile(InFile file, List<Edit> edits) implements Spooled {
    /** Sorts the edits. */
    public EditedFile {
      edits = edits.stream().sorted(Comparator.comparingLong(Edit::offset)).toList();
    }

    /** The same with another edit. */
    public EditedFile with(Edit more) {
      List<Edit> all = new ArrayList<>(edits);
      all.add(more);
      return new EditedFile(file, all);
    }

    @Override
    public long length() {
      return length(0, file.length());
    }

    @Override
    public long length(long from, long to) {
      long length = to - from;
      for (Edit edit : between(from, to)) {
        length += edit.inserted().remaining() - edit.removed();
      }
      return length;
    }

    @Override
    public InputStream open() throws IOException {
      return open(0, file.length());
    }

    @Override
    public InputStream open(long from, long to) throws IOException {
      return new SpooledInput(file.file(), from, to, between(from, to));
    }

    private List<Edit> between(long from, long to) {
      return edits.stream()
          .filter(edit -> edit.offset() >= from && edit.offset() + edit.removed() <= to)
          .toList();
    }
  }

  /**
   * A replacement.
   *
   * @param offset where the replaced bytes begin in the file
   * @param removed how many are replaced
   * @param inserted what stands in their place, from position to limit; each call gives a view of
   *     its own
   */
  record Edit(long offset, int removed, ByteBuffer inserted) {
    /** Takes a read-only view of the bytes, which are not copied. */
    public Edit {
      inserted = inserted.asReadOnlyBuffer();
    }

    @Override
    public ByteBuffer inserted() {
      return inserted.duplicate();
    }
  }

  /** A body that nobody reads before it goes upstream: the adapter passes it through. */
  record PassThrough() implements RequestBody {
    @Override
    public long length() {
      return -1;
    }
  }
}
