package io.llmguard.wire;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Changes of single fields of a checked body that leave every other byte as it was.
 *
 * <p>A field is named as in {@code model} or {@code options.num_predict}: a member of the body
 * itself, of {@code options} or of {@code stream_options}. A field that is set is replaced where it
 * stands, or inserted at the beginning of its object; the object is made where there is none. The
 * last change of a field counts. Not thread-safe.
 */
public final class BodyEdits {
  private static final String OPTIONS = "options";
  private static final String STREAM_OPTIONS = "stream_options";

  private final CheckedBody body;
  private final Map<String, String> changes = new LinkedHashMap<>();

  /** In {@link #changes}: the field is to go. */
  private static final String REMOVED = "";

  BodyEdits(CheckedBody body) {
    this.body = body;
  }

  /** The same edits, which further ones do not change. */
  public BodyEdits copy() {
    BodyEdits copy = new BodyEdits(body);
    copy.changes.putAll(changes);
    return copy;
  }

  /** The same changes of another body, as far as fields go that it has or gets. */
  public BodyEdits of(CheckedBody other) {
    BodyEdits edits = new BodyEdits(other);
    edits.changes.putAll(changes);
    return edits;
  }

  /** Sets a field to a string. */
  public BodyEdits set(String field, String value) {
    return change(field, quoted(value));
  }

  static String quoted(String value) {
    StringBuilder json = new StringBuilder(value.length() + 2).append('"');
    JsonStringEncoder.getInstance().quoteAsString(Unicode.withoutLoneSurrogates(value), json);
    return json.append('"').toString();
  }

  /** Sets a field to what this JSON text says. */
  BodyEdits json(String field, String json) {
    return change(field, json);
  }

  /** Sets a field to a whole number. */
  public BodyEdits set(String field, long value) {
    return change(field, Long.toString(value));
  }

  /** Sets a field to true or false. */
  public BodyEdits set(String field, boolean value) {
    return change(field, Boolean.toString(value));
  }

  /** Removes a field, if it is there. */
  public BodyEdits remove(String field) {
    return change(field, REMOVED);
  }

  private BodyEdits change(String field, String json) {
    int dot = field.indexOf('.');
    if (dot >= 0) {
      membersOf(field.substring(0, dot));
    }
    changes.put(field, json);
    return this;
  }

  private @Nullable Members membersOf(String object) {
    return switch (object) {
      case OPTIONS -> body.options();
      case STREAM_OPTIONS -> body.streamOptions();
      default -> throw new IllegalArgumentException("no object of a request: " + object);
    };
  }

  /** The changed body; the very array that was read if nothing changes. */
  public byte[] apply() {
    if (changes.isEmpty()) {
      return body.bytes();
    }
    List<Splice> splices = new ArrayList<>(changes.size());
    Splicing root = new Splicing(body.root(), splices);
    // most calls change a field or two: no map of maps is made for them
    changes.forEach(
        (field, json) -> {
          if (field.indexOf('.') < 0) {
            root.change(field, json);
          }
        });
    nested(OPTIONS, root, splices);
    nested(STREAM_OPTIONS, root, splices);
    root.end();
    return splices.isEmpty() ? body.bytes() : spliced(splices);
  }

  /** Changes an object of the body, or adds it. */
  private void nested(String object, Splicing root, List<Splice> splices) {
    Members members = membersOf(object);
    Splicing inside = members == null ? null : new Splicing(members, splices);
    StringBuilder added = new StringBuilder(0);
    for (Map.Entry<String, String> change : changes.entrySet()) {
      String field = change.getKey();
      if (field.length() > object.length()
          && field.charAt(object.length()) == '.'
          && field.startsWith(object)) {
        String name = field.substring(object.length() + 1);
        if (inside != null) {
          inside.change(name, change.getValue());
        } else if (!change.getValue().equals(REMOVED)) {
          added.append(added.isEmpty() ? "" : ",").append(member(name, change.getValue()));
        }
      }
    }
    if (inside != null) {
      inside.end();
    } else if (!added.isEmpty()) {
      root.change(object, "{" + added + "}");
    }
  }

  private static String member(String name, String json) {
    return '"' + name + "\":" + json;
  }

  /** The changes of one object, as replacements of bytes. */
  private final class Splicing {
    private final Members members;
    private final List<Splice> splices;
    private final boolean[] removed;
    private final StringBuilder inserted = new StringBuilder(0);

    Splicing(Members members, List<Splice> splices) {
      this.members = members;
      this.splices = splices;
      removed = new boolean[members.size()];
    }

    void change(String name, String json) {
      int at = members.indexOf(name);
      if (json.equals(REMOVED)) {
        if (at >= 0) {
          removed[at] = true;
        }
      } else if (at < 0) {
        inserted.append(inserted.isEmpty() ? "" : ",").append(member(name, json));
      } else if (!JsonText.is(body.bytes(), members.valueStart(at), members.valueEnd(at), json)) {
        splices.add(new Splice(members.valueStart(at), members.valueEnd(at), json));
      }
    }

    void end() {
      int kept = 0;
      for (int i = 0; i < removed.length; i++) {
        if (!removed[i]) {
          kept++;
        } else if (kept > 0) {
          // with the comma before it
          splices.add(new Splice(members.valueEnd(i - 1), members.valueEnd(i), ""));
        } else {
          boolean last = i == removed.length - 1;
          int end = last ? members.valueEnd(i) : members.keyStart(i + 1);
          splices.add(new Splice(members.keyStart(i), end, ""));
        }
      }
      if (!inserted.isEmpty()) {
        int at = members.open() + 1;
        splices.add(new Splice(at, at, kept > 0 ? inserted.append(',').toString() : inserted + ""));
      }
    }
  }

  private byte[] spliced(List<Splice> splices) {
    byte[] old = body.bytes();
    Splice[] order = splices.toArray(Splice[]::new);
    Arrays.sort(order);
    byte[][] texts = new byte[order.length][];
    int length = old.length;
    for (int i = 0; i < order.length; i++) {
      texts[i] = order[i].text().getBytes(StandardCharsets.UTF_8);
      length += texts[i].length - (order[i].end() - order[i].start());
    }
    byte[] result = new byte[length];
    int from = 0;
    int to = 0;
    for (int i = 0; i < order.length; i++) {
      int kept = order[i].start() - from;
      System.arraycopy(old, from, result, to, kept);
      System.arraycopy(texts[i], 0, result, to + kept, texts[i].length);
      to += kept + texts[i].length;
      from = order[i].end();
    }
    System.arraycopy(old, from, result, to, old.length - from);
    return result;
  }

  /** A text in place of the bytes from start to end; at the same place, insertions come first. */
  private record Splice(int start, int end, String text) implements Comparable<Splice> {
    @Override
    public int compareTo(Splice other) {
      int byStart = Integer.compare(start, other.start);
      return byStart != 0 ? byStart : Integer.compare(end, other.end);
    }
  }
}
