package io.llmguard.wire;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The prompt of a call as pieces of its body, in the order in which they are digested; nothing is
 * copied.
 *
 * <p>A chat is each message's role, a colon, a space and its parts, joined by newlines; an image
 * counts as a part that is {@code sha256:} and the digest of its data or URL as sent.
 */
final class PromptText {
  private static final int NONE = -1;
  private static final int SYSTEM = -2;
  private static final int USER = -3;

  private static final int ROLE = 0;
  private static final int PART = 1;
  private static final int IMAGE = 2;

  private int[] pieces = new int[24];
  private int size;
  private int first;

  private final byte[] body;
  private final byte[] chunk = new byte[96];
  private int filled;
  private long units;
  private long bytes;
  private long imageBytes;
  private int images;
  private int messages;

  PromptText(byte[] body) {
    this.body = body;
  }

  // ---- collecting

  /** Begins a message whose role is not known yet; the answer names it to {@link #role}. */
  int message() {
    messages++;
    add(ROLE, NONE, NONE);
    return size - 3;
  }

  /** Sets the role of a message to the string whose opening quote stands at {@code start}. */
  void role(int message, int start, int end) {
    pieces[message + 1] = start + 1;
    pieces[message + 2] = end - 1;
  }

  /** Begins a message of the user. */
  void userMessage() {
    pieces[message() + 1] = USER;
  }

  /** Begins the message that counts as the first one, wherever it stands in the body. */
  void systemMessage() {
    first = size;
    pieces[message() + 1] = SYSTEM;
  }

  /** Ends what {@link #systemMessage} began: moves it before all others. */
  void endOfSystemMessage() {
    int[] before = Arrays.copyOf(pieces, first);
    System.arraycopy(pieces, first, pieces, 0, size - first);
    System.arraycopy(before, 0, pieces, size - first, first);
  }

  /** Adds a string, given by its quotes. */
  void part(int start, int end) {
    add(PART, start + 1, end - 1);
  }

  /** Adds a value that is no string, as it stands in the body. */
  void raw(int start, int end) {
    add(PART, start, end);
  }

  /** Adds an image, given by the quotes of its data or URL. */
  void image(int start, int end) {
    images++;
    imageBytes += end - start;
    add(IMAGE, start + 1, end - 1);
  }

  /** Counts an image that is no part of what is digested. */
  void imageBeside(int start, int end) {
    images++;
    imageBytes += end - start;
  }

  private void add(int kind, int start, int end) {
    if (size == pieces.length) {
      pieces = Arrays.copyOf(pieces, size * 2);
    }
    pieces[size++] = kind;
    pieces[size++] = start;
    pieces[size++] = end;
  }

  // ---- what it comes to

  /** True if it holds no text and no image: such a call only loads a model. */
  boolean isEmpty() {
    return messages == 0 && images == 0 && units == 0;
  }

  int images() {
    return images;
  }

  long imageBytes() {
    return imageBytes;
  }

  int messages() {
    return messages;
  }

  /** The length in UTF-8; known once it was digested. */
  long bytes() {
    return bytes;
  }

  PromptDigest digest(PromptHasher hasher) {
    PromptHasher.Digest digest = hasher.start();
    boolean partBefore = false;
    for (int i = 0; i < size; i += 3) {
      int start = pieces[i + 1];
      int end = pieces[i + 2];
      switch (pieces[i]) {
        case ROLE -> {
          if (start == NONE && (i + 3 == size || pieces[i + 3] == ROLE)) {
            // nothing that could be told apart
            continue;
          }
          if (units > 0) {
            ascii("\n", digest);
          }
          switch (start) {
            case SYSTEM -> ascii("system", digest);
            case USER -> ascii("user", digest);
            case NONE -> {}
            default -> string(start, end, digest);
          }
          ascii(": ", digest);
          partBefore = false;
        }
        case IMAGE -> {
          separate(partBefore, digest);
          ascii("sha256:" + imageDigest(start, end), digest);
          partBefore = true;
        }
        default -> {
          separate(partBefore, digest);
          string(start, end, digest);
          partBefore = true;
        }
      }
    }
    flush(digest);
    return new PromptDigest(digest.hex(), units);
  }

  private void separate(boolean needed, PromptHasher.Digest digest) {
    if (needed) {
      ascii("\n", digest);
    }
  }

  private String imageDigest(int start, int end) {
    PromptHasher.Digest digest = PromptHasher.sha256().start();
    digest.update(body, start, end - start);
    return digest.hex();
  }

  private void string(int start, int end, PromptHasher.Digest digest) {
    int i = start;
    long count = 0;
    while (i < end && body[i] != '\\') {
      count += units(body[i]);
      i++;
    }
    units += count;
    if (i - start > chunk.length) {
      flush(digest);
      digest.update(body, start, i - start);
      bytes += i - start;
    } else {
      for (int j = start; j < i; j++) {
        put(body[j], digest);
      }
    }
    while (i < end) {
      i = body[i] == '\\' ? escape(i, end, digest) : plain(i, digest);
    }
  }

  private int plain(int at, PromptHasher.Digest digest) {
    units += units(body[at]);
    put(body[at], digest);
    return at + 1;
  }

  /** UTF-16 code units of the character whose first byte this is; 0 for a later byte. */
  private static int units(byte b) {
    if (b >= 0) {
      return 1;
    }
    return (b & 0xc0) == 0x80 ? 0 : (b & 0xf8) == 0xf0 ? 2 : 1;
  }

  private int escape(int at, int end, PromptHasher.Digest digest) {
    if (body[at + 1] != 'u') {
      units++;
      put(JsonText.unescaped(body[at + 1]), digest);
      return at + 2;
    }
    char c = (char) JsonText.hex4(body, at + 2);
    if (Character.isHighSurrogate(c)
        && at + 12 <= end
        && body[at + 6] == '\\'
        && body[at + 7] == 'u') {
      char low = (char) JsonText.hex4(body, at + 8);
      if (Character.isLowSurrogate(low)) {
        units += 2;
        utf8(Character.toCodePoint(c, low), digest);
        return at + 12;
      }
    }
    units++;
    utf8(Character.isSurrogate(c) ? 0xfffd : c, digest);
    return at + 6;
  }

  private void utf8(int codePoint, PromptHasher.Digest digest) {
    for (byte b : Character.toString(codePoint).getBytes(StandardCharsets.UTF_8)) {
      put(b, digest);
    }
  }

  private void ascii(String text, PromptHasher.Digest digest) {
    units += text.length();
    for (int i = 0; i < text.length(); i++) {
      put((byte) text.charAt(i), digest);
    }
  }

  private void put(byte b, PromptHasher.Digest digest) {
    if (filled == chunk.length) {
      flush(digest);
    }
    chunk[filled++] = b;
  }

  private void flush(PromptHasher.Digest digest) {
    digest.update(chunk, 0, filled);
    bytes += filled;
    filled = 0;
  }
}
