package io.llmguard.reactive.internal;

import io.llmguard.Headers;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;

/**
 * Spring's header fields, read where they are.
 *
 * <p>Only methods that Spring 6 and 7 have alike: in 7 these fields are no map any more.
 */
record HttpFields(HttpHeaders fields) implements Headers {
  @Override
  public @Nullable String first(String name) {
    return fields.getFirst(name);
  }

  @Override
  public List<String> all(String name) {
    if (fields.getFirst(name) == null) {
      return List.of();
    }
    List<String> all = new ArrayList<>(2);
    fields.forEach(
        (field, values) -> {
          if (field.equalsIgnoreCase(name)) {
            all.addAll(values);
          }
        });
    return all;
  }

  @Override
  public void forEach(BiConsumer<String, String> action) {
    fields.forEach((name, values) -> values.forEach(value -> action.accept(name, value)));
  }

  /** Puts these fields, each in place of what stood under its name. */
  static void set(HttpHeaders into, Headers headers) {
    headers.forEach(
        (name, value) -> {
          if (value.equals(headers.first(name))) {
            into.set(name, value);
          } else {
            into.add(name, value);
          }
        });
  }

  /** The names only: values may be credentials. */
  @Override
  public String toString() {
    StringBuilder names = new StringBuilder("HttpFields[");
    fields.forEach((name, values) -> names.append(name).append(' '));
    return names.append(']').toString();
  }
}
