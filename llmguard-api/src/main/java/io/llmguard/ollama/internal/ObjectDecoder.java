package io.llmguard.ollama.internal;

import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads an answer that is one JSON object, or nothing, by way of a map: for what is not hot. */
public final class ObjectDecoder<T> implements Decoder<T> {
  private final Function<Fields, @Nullable T> read;

  /** With what makes a value of the fields. */
  public ObjectDecoder(Function<Fields, @Nullable T> read) {
    this.read = read;
  }

  @Override
  public @Nullable T decode(byte[] bytes, int from, int to) {
    Map<String, @Nullable Object> object = from == to ? Map.of() : Json.object(bytes, from, to);
    if (object.get("error") != null) {
      throw Errors.inStream(object);
    }
    return read.apply(new Fields(object));
  }
}
