package io.llmguard.inspect.internal;

import io.llmguard.Refusal;
import io.llmguard.wire.AnswerTexts;
import io.llmguard.wire.AnswerTransform;
import io.llmguard.wire.Framing;
import io.llmguard.wire.Operation;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Leads an answer through inspectors on its way to the client.
 *
 * <p>An answer in one piece is held until it is whole. Of a stream, whole lines or events are held
 * for as long as an inspector has not decided about a text in them, and go on in their order: what
 * is found is taken out of the events that it stands in, the mask stands in the first, and no event
 * is made or lost. What nothing was found in goes on byte for byte.
 */
public final class AnswerInspection implements AnswerTransform {
  /** Answers in one piece that are longer are refused, and so are lines and held streams. */
  static final int LONGEST = 16 << 20;

  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);
  private static final int[] NO_DATA = {};
  private static final Set<String> FIELDS = Set.of("data", "event", "id", "retry", "");

  private final Operation operation;
  private final Framing framing;
  private final List<Inspecting> inspectors;
  private final Findings findings;
  private final BiFunction<String, String, Refusal> refusals;
  private final Consumer<ByteBuffer> passed;

  private final ByteArrayOutputStream open = new ByteArrayOutputStream();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final Deque<Piece> held = new ArrayDeque<>();
  private final Map<String, InspectedText> texts = new HashMap<>();
  private int lineStart;
  private boolean afterReturn;
  private long heldBytes;
  private boolean changed;
  private @Nullable Refusal refusal;

  /**
   * An inspection.
   *
   * @param refusals makes the refusal for an inspector's name and a kind
   * @param passed sees what goes on to the client
   */
  public AnswerInspection(
      Operation operation,
      Framing framing,
      List<Inspecting> inspectors,
      Findings findings,
      BiFunction<String, String, Refusal> refusals,
      Consumer<ByteBuffer> passed) {
    this.operation = operation;
    this.framing = framing;
    this.inspectors = List.copyOf(inspectors);
    this.findings = findings;
    this.refusals = refusals;
    this.passed = passed;
  }

  @Override
  public @Nullable Refusal refusal() {
    return refusal;
  }

  @Override
  public ByteBuffer apply(ByteBuffer piece) {
    out.reset();
    if (framing == Framing.DOCUMENT) {
      take(piece);
      return NOTHING;
    }
    while (piece.hasRemaining() && refusal == null) {
      take(piece.get());
    }
    piece.position(piece.limit());
    return out();
  }

  private ByteBuffer out() {
    ByteBuffer bytes = ByteBuffer.wrap(out.toByteArray());
    if (bytes.hasRemaining()) {
      passed.accept(bytes.duplicate());
    }
    return bytes;
  }

  @Override
  public ByteBuffer end() {
    out.reset();
    if (refusal == null && open.size() > 0) {
      endPiece();
    }
    if (refusal == null) {
      end(group -> true);
      release();
    }
    return out();
  }

  // ---- lines, events, documents

  private void take(ByteBuffer piece) {
    if (refusal == null && open.size() + piece.remaining() > LONGEST) {
      tooLong();
    }
    if (refusal == null) {
      byte[] bytes = new byte[piece.remaining()];
      piece.get(bytes);
      open.writeBytes(bytes);
    }
    piece.position(piece.limit());
  }

  private void take(byte b) {
    if (b == '\n' && afterReturn) {
      // it ends the line that the carriage return has ended
      afterReturn = false;
      open.write(b);
      lineStart = open.size();
      return;
    }
    afterReturn = b == '\r';
    open.write(b);
    boolean end = b == '\n' || (b == '\r' && framing == Framing.EVENTS);
    if (end) {
      boolean empty = open.size() == lineStart + 1;
      lineStart = open.size();
      if (framing == Framing.LINES || empty) {
        endPiece();
      }
    } else if (open.size() > LONGEST) {
      tooLong();
    }
  }

  private void tooLong() {
    refuse(new InspectedText.Refused(inspectors.get(0).name(), InspectedText.TOO_LONG));
  }

  private void endPiece() {
    byte[] bytes = open.toByteArray();
    open.reset();
    lineStart = 0;
    switch (framing) {
      case DOCUMENT -> read(bytes, new int[] {0, bytes.length}, false);
      case LINES -> {
        int end = bytes.length;
        while (end > 0 && (bytes[end - 1] == '\n' || bytes[end - 1] == '\r')) {
          end--;
        }
        read(bytes, end == 0 ? NO_DATA : new int[] {0, end}, true);
      }
      case EVENTS -> event(bytes);
    }
    if (refusal == null) {
      release();
    }
  }

  private void event(byte[] bytes) {
    int[] data = NO_DATA;
    boolean known = true;
    int start = 0;
    for (int i = 0; i <= bytes.length; i++) {
      if (i < bytes.length && bytes[i] != '\n' && bytes[i] != '\r') {
        continue;
      }
      if (i > start) {
        int colon = start;
        while (colon < i && bytes[colon] != ':') {
          colon++;
        }
        String name = new String(bytes, start, colon - start, StandardCharsets.ISO_8859_1);
        known &= FIELDS.contains(name);
        if (name.equals("data") && colon < i) {
          int value = colon + 1 < i && bytes[colon + 1] == ' ' ? colon + 2 : colon + 1;
          data = Arrays.copyOf(data, data.length + 2);
          data[data.length - 2] = value;
          data[data.length - 1] = i;
        }
      }
      start = i + 1;
    }
    // a server that says something in a way of its own is still heard
    read(bytes, known ? data : new int[] {0, bytes.length}, known);
  }

  // ---- what a piece says

  private void read(byte[] bytes, int[] data, boolean stream) {
    byte[] json = joined(bytes, data);
    String word = json.length < 16 ? new String(json, StandardCharsets.ISO_8859_1).strip() : "";
    if (word.isEmpty() && json.length < 16) {
      hold(new Piece(bytes, data, null));
    } else if (word.equals("[DONE]")) {
      end(group -> true);
      hold(new Piece(bytes, data, null));
    } else {
      AnswerTexts read = AnswerTexts.of(operation, stream, json);
      if (read == null) {
        refuse(new InspectedText.Refused(inspectors.get(0).name(), "unreadable"));
      } else {
        read(new Piece(bytes, data, read), read);
      }
    }
  }

  private static byte[] joined(byte[] bytes, int[] data) {
    ByteArrayOutputStream json = new ByteArrayOutputStream(bytes.length);
    for (int i = 0; i < data.length; i += 2) {
      if (i > 0) {
        json.write('\n');
      }
      json.write(bytes, data[i], data[i + 1] - data[i]);
    }
    return json.toByteArray();
  }

  private void read(Piece piece, AnswerTexts read) {
    endWhatIsLeft(read.texts());
    for (AnswerTexts.Text text : read.texts()) {
      if (refusal != null) {
        return;
      }
      String channel = text.channel();
      InspectedText under;
      if (channel == null) {
        under = new InspectedText(text.group(), text.repeats(), inspectors, findings);
      } else {
        under =
            texts.computeIfAbsent(
                channel, c -> new InspectedText(text.group(), false, inspectors, findings));
      }
      piece.stretch(under, under.length(), text.text());
      refuse(under.add(text.text()));
      if (channel == null && refusal == null) {
        refuse(under.end());
      }
    }
    if (refusal == null) {
      hold(piece);
      end(read::ends);
    }
  }

  /** A text of a group ends where another one of it goes on: thinking where talking begins. */
  private void endWhatIsLeft(List<AnswerTexts.Text> now) {
    Set<Integer> groups = new HashSet<>();
    Set<String> channels = new HashSet<>();
    for (AnswerTexts.Text text : now) {
      if (text.channel() != null && !text.text().isEmpty()) {
        groups.add(text.group());
        channels.add(text.channel());
      }
    }
    if (!groups.isEmpty()) {
      end(groups::contains, channels);
    }
  }

  private void end(IntPredicate groups) {
    end(groups, Set.of());
  }

  private void end(IntPredicate groups, Set<String> but) {
    List<String> ended = new ArrayList<>(0);
    texts.forEach(
        (channel, text) -> {
          if (groups.test(text.group()) && !but.contains(channel)) {
            ended.add(channel);
          }
        });
    for (String channel : ended) {
      InspectedText text = texts.remove(channel);
      if (text != null && refusal == null) {
        refuse(text.end());
      }
    }
  }

  private void refuse(InspectedText.@Nullable Refused refused) {
    if (refused != null && refusal == null) {
      refusal = refusals.apply(refused.inspector(), refused.kind());
      held.clear();
    }
  }

  // ---- what goes on

  private void hold(Piece piece) {
    held.add(piece);
    heldBytes += piece.length();
  }

  private void release() {
    while (!held.isEmpty() && held.getFirst().isFree()) {
      Piece piece = held.removeFirst();
      heldBytes -= piece.length();
      changed = piece.write(out, changed);
    }
    if (heldBytes > LONGEST) {
      tooLong();
    }
  }
}
