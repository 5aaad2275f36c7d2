package io.llmguard.upstream.jetty;

import io.llmguard.Headers;
import java.util.List;
import java.util.function.BiConsumer;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;
import org.jspecify.annotations.Nullable;

/** A view of Jetty's fields. */
record JettyHeaders(HttpFields fields) implements Headers {
  @Override
  public @Nullable String first(String name) {
    return fields.get(name);
  }

  @Override
  public List<String> all(String name) {
    return fields.getValuesList(name);
  }

  @Override
  public void forEach(BiConsumer<String, String> action) {
    for (HttpField field : fields) {
      String value = field.getValue();
      action.accept(field.getName(), value == null ? "" : value);
    }
  }

  @Override
  public boolean contains(String name) {
    return fields.contains(name);
  }

  @Override
  public String toString() {
    return "JettyHeaders" + fields.getFieldNamesCollection();
  }
}
