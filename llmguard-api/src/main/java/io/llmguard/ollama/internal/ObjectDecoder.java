package io.llmguard.ollama.internal;

import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads an answer that is one JSON object by way of a map: for what is not hot. */
public final class ObjectDecoder<T> implements Decoder<T> {
  private final Function<Fields, @Nullable T> read;
  private final boolean emptyToo;

  private ObjectDecoder(Function<Fields, @Nullable T> read, boolean emptyToo) {
    this.read = read;
    this.emptyToo = emptyToo;
  }

  /** With what makes a value of the fields. */
  public ObjectDecoder(Function<Fields, @Nullable T> read) {
    this(read, false);
  }

  /** For an answer that says all by its status: one without a body will do as well. */
  static <T> ObjectDecoder<T> orEmpty(T value) {
    return new ObjectDecoder<>(fields -> value, true);
  }

  @Override
  public @Nullable T decode(byte[] bytes, int from, int to) {
    if (from == to && !emptyToo) {
      throw new IllegalArgumentException("an answer without a body");
    }
    Map<String, @Nullable Object> object = from == to ? Map.of() : Json.object(bytes, from, to);
    if (object.get("error") != null) {
      throw Errors.inStream(object);
    }
    return read.apply(new Fields(object));
  }
}
