package io.llmguard.upstream.routing;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import io.llmguard.policy.ModelAccess;
import java.io.IOException;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the names out of a server's list of models. */
final class ModelNames {
  private static final JsonFactory JSON =
      JsonFactory.builder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES).build();

  private ModelNames() {}

  /** The names without {@code :latest}; null for what is no list of models. */
  static @Nullable Set<String> of(byte[] body) {
    Set<String> names = new LinkedHashSet<>();
    boolean list = false;
    try (JsonParser parser = JSON.createParser(body)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return null;
      }
      for (String key; (key = parser.nextFieldName()) != null; ) {
        JsonToken value = parser.nextToken();
        boolean models = key.equals("models") || key.equals("data");
        list |= models && (value == JsonToken.START_ARRAY || value == JsonToken.VALUE_NULL);
        if (models && value == JsonToken.START_ARRAY) {
          entries(parser, names);
        } else {
          parser.skipChildren();
        }
      }
    } catch (IOException e) {
      return null;
    }
    return list ? Collections.unmodifiableSet(names) : null;
  }

  private static void entries(JsonParser parser, Set<String> names) throws IOException {
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        parser.skipChildren();
        continue;
      }
      for (String key; (key = parser.nextFieldName()) != null; ) {
        JsonToken value = parser.nextToken();
        if (value == JsonToken.VALUE_STRING && (key.equals("name") || key.equals("id"))) {
          names.add(ModelAccess.canonical(parser.getText()));
        }
        parser.skipChildren();
      }
    }
  }
}
