package io.llmguard;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** What goes upstream as the body of a call. */
public sealed interface RequestBody {
  /** There is no body. */
  record None() implements RequestBody {}

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
  }

  /**
   * A body that was checked and lies in a file of the exchange, which deletes it at the end.
   *
   * @param file the file
   * @param length its length in bytes
   */
  record InFile(Path file, long length) implements RequestBody {}

  /**
   * A file of the exchange with a few bytes replaced.
   *
   * @param file the file as it is
   * @param edits what is replaced, in the order of the file, none in another
   */
  record EditedFile(InFile file, List<Edit> edits) implements RequestBody {
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

    /** The length of the whole, in bytes. */
    public long length() {
      long length = file.length();
      for (Edit edit : edits) {
        length += edit.inserted().remaining() - edit.removed();
      }
      return length;
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
  record PassThrough() implements RequestBody {}
}
