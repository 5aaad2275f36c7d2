package io.llmguard.wire;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Takes out of a list of models what its reader may not see, and gives the rest their aliases.
 *
 * <p>It reads the answers of {@code /api/tags} and {@code /api/ps} ({@code models}, each with
 * {@code name} and {@code model}) and of {@code /v1/models} ({@code data}, each with {@code id}),
 * and of servers that answer with both. All other bytes stay as they are, white space after an
 * entry that changes aside.
 */
public final class ModelLists {
  private static final JsonFactory JSON =
      JsonFactory.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CHARSET_DETECTION)
          .build();

  private final byte[] body;
  private final Function<String, List<String>> names;
  private final ByteArrayOutputStream out;
  private int copied;
  private boolean changed;

  private ModelLists(byte[] body, Function<String, List<String>> names) {
    this.body = body;
    this.names = names;
    this.out = new ByteArrayOutputStream(body.length);
  }

  /**
   * The list with the models that are allowed.
   *
   * @param body a list as an upstream answered it
   * @param allowed whether a model of this name may be seen; an entry stays if all of its names may
   * @return the list, the very array if nothing was taken out; nothing if it is no list of models,
   *     so that nobody knows what it shows
   */
  public static Optional<byte[]> filter(byte[] body, Predicate<String> allowed) {
    return rename(body, name -> allowed.test(name) ? List.of(name) : List.of());
  }

  /**
   * A list of these names, in the shape of the operation's dialect, with what clients need of each.
   *
   * @param operation one that lists models
   */
  public static ByteBuffer of(Operation operation, Collection<String> names) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(64 * names.size() + 32);
    boolean openAi = operation.dialect() == Dialect.OPENAI;
    try (JsonGenerator json = JSON.createGenerator(out)) {
      json.writeStartObject();
      if (openAi) {
        json.writeStringField("object", "list");
      }
      json.writeArrayFieldStart(openAi ? "data" : "models");
      for (String name : names) {
        json.writeStartObject();
        if (openAi) {
          json.writeStringField("id", name);
          json.writeStringField("object", "model");
          json.writeNumberField("created", 0);
          json.writeStringField("owned_by", "llmguard");
        } else {
          json.writeStringField("name", name);
          json.writeStringField("model", name);
        }
        json.writeEndObject();
      }
      json.writeEndArray();
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // never: it goes to memory
    }
    return ByteBuffer.wrap(out.toByteArray());
  }

  /**
   * The list under the reader's own names.
   *
   * @param body a list as an upstream answered it
   * @param names for the upstream's name of a model, the names under which the reader knows it: an
   *     entry stands once for each, and not at all if there are none
   * @return the list, the very array if nothing changed; nothing if it is no list of models, so
   *     that nobody knows what it shows
   */
  public static Optional<byte[]> rename(byte[] body, Function<String, List<String>> names) {
    ModelLists lists = new ModelLists(body, names);
    try (JsonParser parser = JSON.createParser(body)) {
      return lists.read(parser) ? Optional.of(lists.result()) : Optional.empty();
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private byte[] result() {
    if (!changed) {
      return body;
    }
    copy(body.length);
    return out.toByteArray();
  }

  private boolean read(JsonParser parser) throws IOException {
    if (parser.nextToken() != JsonToken.START_OBJECT) {
      return false;
    }
    boolean list = false;
    for (String key; (key = parser.nextFieldName()) != null; ) {
      JsonToken value = parser.nextToken();
      if (!key.equals("models") && !key.equals("data")) {
        parser.skipChildren();
      } else if (value == JsonToken.START_ARRAY) {
        list = true;
        if (!entries(parser)) {
          return false;
        }
      } else if (value == JsonToken.VALUE_NULL) {
        list = true;
      } else {
        return false;
      }
    }
    return list && parser.nextToken() == null;
  }

  private boolean entries(JsonParser parser) throws IOException {
    int separator = (int) parser.currentLocation().getByteOffset();
    boolean first = true;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        return false;
      }
      Entry entry = entry(parser);
      List<String> shown = entry.names(names);
      boolean same = shown.size() == 1 && entry.isNamed(shown.get(0));
      if (!same || changed) {
        changed = true;
        copy(separator);
        for (String name : shown) {
          if (!first) {
            out.write(',');
          }
          first = false;
          entry.write(name);
        }
        copied = entry.end;
      } else {
        first = false;
      }
      separator = entry.end;
    }
    return true;
  }

  private void copy(int end) {
    out.write(body, copied, end - copied);
    copied = end;
  }

  private Entry entry(JsonParser parser) throws IOException {
    Entry entry = new Entry((int) parser.currentTokenLocation().getByteOffset());
    for (String key; (key = parser.nextFieldName()) != null; ) {
      JsonToken value = parser.nextToken();
      boolean name = key.equals("name") || key.equals("model") || key.equals("id");
      if (name && value == JsonToken.VALUE_STRING) {
        int start = (int) parser.currentTokenLocation().getByteOffset();
        entry.add(parser.getText(), start, JsonText.stringEnd(body, start));
      } else {
        parser.skipChildren();
      }
    }
    entry.end = (int) parser.currentLocation().getByteOffset();
    return entry;
  }

  /** One model of a list. */
  private final class Entry {
    private final int start;
    private final List<String> own = new ArrayList<>(2);
    private final List<int[]> spans = new ArrayList<>(2);
    private int end;

    Entry(int start) {
      this.start = start;
    }

    void add(String name, int from, int to) {
      own.add(name);
      spans.add(new int[] {from, to});
    }

    boolean isNamed(String name) {
      return own.stream().allMatch(name::equals);
    }

    /** The reader's names: those of the first name, if the reader may see all of them. */
    List<String> names(Function<String, List<String>> known) {
      if (own.isEmpty() || own.stream().anyMatch(name -> known.apply(name).isEmpty())) {
        return List.of();
      }
      return known.apply(own.get(0));
    }

    void write(String name) {
      byte[] quoted = JsonStringEncoder.getInstance().quoteAsUTF8(name);
      int from = start;
      for (int[] span : spans) {
        out.write(body, from, span[0] + 1 - from);
        out.write(quoted, 0, quoted.length);
        from = span[1] - 1;
      }
      out.write(body, from, end - from);
    }
  }
}
