package io.llmguard.wire;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Puts the name that the client used in the place of the upstream's own name for the model.
 *
 * <p>It looks at the field {@code model} of each JSON object of an answer, and of the objects
 * {@code response} and {@code message} in it, which is where OpenAI's and Anthropic's streams have
 * it; never at what the model said. All other bytes pass as they are and at once: at most a field's
 * value is held back until it is whole. Works on documents, newline-delimited JSON and server-sent
 * events, split anywhere.
 */
public final class ModelRenamer implements AnswerTransform {
  private static final int LONGEST = 1024;
  private static final byte[] DATA = "data:".getBytes(StandardCharsets.US_ASCII);

  private final Framing framing;
  private final String field;
  private final List<byte[]> names;
  private final byte[] alias;

  private byte[] out = new byte[1024];
  private int outLength;

  /** The string that is being read, if it may be a name of interest: a key or a model's value. */
  private final byte[] held = new byte[LONGEST];

  private int heldLength;
  private boolean holding;
  private boolean holdingModel;
  private boolean inString;
  private boolean escaped;

  /** True in a line of an event stream that is not data, up to its end. */
  private boolean skippingLine;

  /** How many bytes of {@code data:} this line has begun with; -1 once that is decided. */
  private int linePrefix;

  private int depth;
  private boolean expectKey;
  private Key key = Key.OTHER;
  private boolean inWrapper;

  private enum Key {
    MODEL,
    WRAPPER,
    OTHER
  }

  /**
   * The transform for an answer.
   *
   * @param operation what the call asked to do
   * @param stream true if the call asked for a stream; decides where the content type does not
   * @param contentType the answer's {@code Content-Type}, or null
   * @param upstreamName the upstream's name for the model; the same with {@code :latest} counts too
   * @param alias the client's name for it
   */
  public static ModelRenamer of(
      Operation operation,
      boolean stream,
      @Nullable String contentType,
      String upstreamName,
      String alias) {
    return new ModelRenamer(
        ResponseMeters.framing(operation, stream, contentType),
        operation == Operation.OPENAI_MODEL ? "id" : "model",
        upstreamName,
        alias);
  }

  ModelRenamer(Framing framing, String field, String upstreamName, String alias) {
    this.framing = framing;
    this.field = field;
    this.names = List.of(quoted(upstreamName), quoted(upstreamName + ":latest"));
    this.alias = JsonStringEncoder.getInstance().quoteAsUTF8(alias);
    this.linePrefix = framing == Framing.EVENTS ? 0 : -1;
  }

  private static byte[] quoted(String name) {
    return JsonStringEncoder.getInstance().quoteAsUTF8(name);
  }

  @Override
  public ByteBuffer apply(ByteBuffer piece) {
    outLength = 0;
    while (piece.hasRemaining()) {
      accept(piece.get());
    }
    return ByteBuffer.wrap(out, 0, outLength);
  }

  @Override
  public ByteBuffer end() {
    outLength = 0;
    release();
    return ByteBuffer.wrap(out, 0, outLength);
  }

  private void accept(byte b) {
    if (b == '\n' && framing != Framing.DOCUMENT) {
      release();
      startLine();
      emit(b);
      return;
    }
    if (skippingLine || linePrefix >= 0) {
      matchPrefix(b);
      emit(b);
      return;
    }
    if (inString) {
      acceptInString(b);
      return;
    }
    emit(b);
    structure(b);
  }

  private void startLine() {
    depth = 0;
    inString = false;
    escaped = false;
    inWrapper = false;
    expectKey = false;
    key = Key.OTHER;
    skippingLine = false;
    linePrefix = framing == Framing.EVENTS ? 0 : -1;
  }

  private void matchPrefix(byte b) {
    if (skippingLine) {
      return;
    }
    if (b != DATA[linePrefix]) {
      skippingLine = true;
      linePrefix = -1;
    } else if (++linePrefix == DATA.length) {
      linePrefix = -1;
    }
  }

  private void structure(byte b) {
    switch (b) {
      case '{' -> {
        depth++;
        inWrapper |= depth == 2 && key == Key.WRAPPER;
        expectKey = true;
        key = Key.OTHER;
      }
      case '[' -> {
        depth++;
        expectKey = false;
        // an element of an array is the value of no key
        key = Key.OTHER;
      }
      case '}', ']' -> {
        inWrapper &= depth != 2;
        depth--;
        expectKey = false;
      }
      case ',' -> {
        expectKey = looksHere();
        key = Key.OTHER;
      }
      case ':' -> expectKey = false;
      case '"' -> {
        inString = true;
        heldLength = 0;
        holdingModel = !expectKey && key == Key.MODEL;
        holding = looksHere() && (expectKey || holdingModel);
      }
      default -> {
        // white space, numbers and literals
      }
    }
  }

  private boolean looksHere() {
    return depth == 1 || (depth == 2 && inWrapper);
  }

  private void acceptInString(byte b) {
    boolean ends = b == '"' && !escaped;
    escaped = b == '\\' && !escaped;
    if (!ends) {
      if (holding && heldLength < LONGEST) {
        held[heldLength++] = b;
        if (!holdingModel) {
          emit(b);
        }
      } else {
        release();
        emit(b);
      }
      return;
    }
    inString = false;
    if (holding && holdingModel) {
      if (isName()) {
        emit(alias, alias.length);
        heldLength = 0;
        holding = false;
      }
      key = Key.OTHER;
    } else if (holding && expectKey) {
      key = keyOf();
    }
    release();
    emit(b);
  }

  /** Lets go what was held back, as it came; a key was let go as it came already. */
  private void release() {
    if (holding && holdingModel) {
      emit(held, heldLength);
    }
    holding = false;
    heldLength = 0;
  }

  private boolean isName() {
    for (byte[] name : names) {
      if (Arrays.equals(name, 0, name.length, held, 0, heldLength)) {
        return true;
      }
    }
    return false;
  }

  private Key keyOf() {
    if (is(field)) {
      return Key.MODEL;
    }
    return depth == 1 && (is("response") || is("message")) ? Key.WRAPPER : Key.OTHER;
  }

  private boolean is(String word) {
    if (word.length() != heldLength) {
      return false;
    }
    for (int i = 0; i < heldLength; i++) {
      if (held[i] != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private void emit(byte b) {
    if (outLength == out.length) {
      out = Arrays.copyOf(out, out.length * 2);
    }
    out[outLength++] = b;
  }

  private void emit(byte[] bytes, int length) {
    while (outLength + length > out.length) {
      out = Arrays.copyOf(out, out.length * 2);
    }
    System.arraycopy(bytes, 0, out, outLength, length);
    outLength += length;
  }
}
