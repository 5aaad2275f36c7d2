package io.llmguard.wire;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A form that was read strictly and means the same to every reader.
 *
 * @param call what it asks for
 * @param responseFormat the field {@code response_format}, or null
 * @param modelOffset where in the body the model's name stands, in bytes
 * @param modelLength how many bytes the model's name has there
 * @param texts the fields that a model may read: {@code prompt}, and those that nobody here knows
 * @param textsComplete false if one of these is no UTF-8 or longer than is kept of it
 * @param boundary what no text may contain
 * @param parts all of its parts, in order
 */
public record CheckedForm(
    Call call,
    @Nullable String responseFormat,
    long modelOffset,
    int modelLength,
    List<Text> texts,
    boolean textsComplete,
    String boundary,
    List<Part> parts)
    implements FormReading {
  /** Copies the lists. */
  public CheckedForm {
    texts = List.copyOf(texts);
    parts = List.copyOf(parts);
  }

  /**
   * A part.
   *
   * @param name the field's name
   * @param fileName the file's, or null where it has none
   * @param head its header lines
   * @param offset where in the body its content begins, in bytes
   * @param length how many bytes its content has there
   */
  public record Part(
      String name, @Nullable String fileName, List<String> head, long offset, long length) {
    /** Copies the list. */
    public Part {
      head = List.copyOf(head);
    }
  }

  /**
   * A field.
   *
   * @param offset where in the body its value stands, in bytes
   * @param length how many bytes it has there
   * @param text the value
   */
  public record Text(long offset, int length, String text) {
    /** Lengths only: a prompt must not reach a log by accident. */
    @Override
    public String toString() {
      return "Text[" + offset + ", " + length + " bytes]";
    }
  }
}
