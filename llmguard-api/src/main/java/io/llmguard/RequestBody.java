package io.llmguard;

import java.nio.ByteBuffer;
import java.nio.file.Path;

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
   * @param offset where the replaced bytes begin
   * @param removed how many are replaced
   * @param inserted what stands in their place, from position to limit; each call gives a view of
   *     its own
   */
  record EditedFile(InFile file, long offset, int removed, ByteBuffer inserted)
      implements RequestBody {
    /** Takes a read-only view of the bytes, which are not copied. */
    public EditedFile {
      inserted = inserted.asReadOnlyBuffer();
    }

    @Override
    public ByteBuffer inserted() {
      return inserted.duplicate();
    }

    /** The length of the whole, in bytes. */
    public long length() {
      return file.length() - removed + inserted.remaining();
    }
  }

  /** A body that nobody reads before it goes upstream: the adapter passes it through. */
  record PassThrough() implements RequestBody {}
}
