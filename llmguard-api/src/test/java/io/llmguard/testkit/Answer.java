package io.llmguard.testkit;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * What the upstream does with one request, step by step. Immutable: every method answers a new one.
 * Without {@link #thenClose} or {@link #thenReset} the connection lives on for the next request.
 *
 * <pre>{@code
 * Answer.replay(Recording.of("generate-stream")).gateBeforeChunk(3, gate)
 * Answer.replay(recording).cutAfter(200)
 * Answer.stream("application/x-ndjson").chunk(line).chunk(errorLine).endChunks()
 * Answer.silence()
 * }</pre>
 */
public final class Answer {
  /** One thing that the upstream does. */
  sealed interface Step {}

  /** One write. {@code chunk} numbers the chunks from 0, and is -1 for other bytes. */
  @SuppressWarnings("ArrayRecordComponent") // never compared, never leaves this package
  record Write(byte[] bytes, int chunk) implements Step {}

  /** The same piece written again and again: big answers in constant memory. */
  @SuppressWarnings("ArrayRecordComponent") // never compared, never leaves this package
  record Repeat(byte[] bytes, long times) implements Step {}

  record Await(Gate gate) implements Step {}

  record Pause(Duration time) implements Step {}

  /** Says nothing until the client leaves. */
  record Silence() implements Step {}

  record End(boolean reset) implements Step {}

  private final boolean readsBody;
  private final List<Step> steps;

  private Answer(boolean readsBody, List<Step> steps) {
    this.readsBody = readsBody;
    this.steps = List.copyOf(steps);
  }

  private static Answer nothing() {
    return new Answer(true, List.of());
  }

  /** The recorded bytes as they are: the head is one write, and each chunk is one. */
  public static Answer replay(Recording recording) {
    byte[] raw = recording.response();
    int head = recording.headLength();
    if (!recording.chunked()) {
      return nothing().raw(raw);
    }
    Answer answer = nothing().raw(Arrays.copyOf(raw, head));
    for (byte[] chunk : recording.chunks()) {
      answer = answer.chunk(chunk);
    }
    return answer.endChunks();
  }

  /** A 200 in one write, with a {@code Content-Length}. */
  public static Answer plain(String contentType, String body) {
    return status(200, contentType, body);
  }

  /** An answer of this status in one write, with a {@code Content-Length}. */
  public static Answer status(int status, String contentType, String body) {
    byte[] bytes = body.getBytes(StandardCharsets.UTF_8);
    return nothing()
        .raw(
            "HTTP/1.1 %d Status\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s"
                .formatted(status, contentType, bytes.length, body));
  }

  /** The head of a chunked 200; go on with {@link #chunk} and {@link #endChunks}. */
  public static Answer stream(String contentType) {
    return nothing()
        .raw(
            "HTTP/1.1 200 OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n"
                .formatted(contentType));
  }

  /** Any bytes, also such as are no HTTP. */
  public static Answer bytes(String raw) {
    return nothing().raw(raw);
  }

  /** Reads the request and says nothing, until the client leaves. */
  public static Answer silence() {
    return nothing().with(new Silence());
  }

  /** Stands before a gate; what comes after it is appended. */
  public static Answer gated(Gate gate) {
    return nothing().then(gate);
  }

  /** Closes the connection without a byte. */
  public static Answer closing() {
    return nothing().thenClose();
  }

  /** The same answer, given without reading the request's body: the client's writes get stuck. */
  public Answer withoutReadingBody() {
    return new Answer(false, steps);
  }

  /** Appends a write of these bytes, encoded as UTF-8. */
  public Answer raw(String text) {
    return raw(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Appends a write of these bytes. */
  public Answer raw(byte[] bytes) {
    return with(new Write(bytes.clone(), -1));
  }

  /** Appends a chunk of this text, with its framing, as one write. */
  public Answer chunk(String text) {
    return chunk(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Appends a chunk of these bytes, with its framing, as one write. */
  public Answer chunk(byte[] bytes) {
    if (bytes.length == 0) {
      throw new IllegalArgumentException("an empty chunk would end the body: see endChunks");
    }
    int number = (int) steps.stream().filter(Answer::isChunk).count();
    return with(new Write(framed(bytes), number));
  }

  /** Appends the chunk of length 0 that ends a chunked body. */
  public Answer endChunks() {
    return raw("0\r\n\r\n");
  }

  /**
   * Appends one line of {@code length} bytes (prefix, the letter x again and again, suffix), in
   * chunks of 64 KiB; it may be of any length over that.
   */
  public Answer longLine(String prefix, long length, String suffix) {
    int piece = 1 << 16;
    long fill = length - utf8(prefix).length - utf8(suffix).length;
    byte[] letters = new byte[piece];
    Arrays.fill(letters, (byte) 'x');
    return chunk(prefix)
        .with(new Repeat(framed(letters), fill / piece - 1))
        .chunk("x".repeat((int) (fill % piece) + piece) + suffix);
  }

  /** Appends the same bytes so many times: an answer of many GB in constant memory. */
  public Answer repeat(byte[] bytes, long times) {
    return with(new Repeat(bytes.clone(), times));
  }

  /** Appends the steps of another answer. */
  public Answer then(Answer next) {
    List<Step> all = new ArrayList<>(steps);
    all.addAll(next.steps);
    return new Answer(readsBody, all);
  }

  /** Appends a gate. */
  public Answer then(Gate gate) {
    return with(new Await(gate));
  }

  /** Appends a silence that lasts until the client leaves. */
  public Answer thenSilence() {
    return with(new Silence());
  }

  /** Appends an orderly close of the connection (FIN). */
  public Answer thenClose() {
    return with(new End(false));
  }

  /** Appends an abortive close of the connection (RST). */
  public Answer thenReset() {
    return with(new End(true));
  }

  /** Puts a gate before the first byte of the answer. */
  public Answer gateBeforeHead(Gate gate) {
    return gated(gate).then(this).readingBody(readsBody);
  }

  /**
   * Puts a gate before a chunk.
   *
   * @param chunk its number, from 0; the number of chunks is the place before the last, empty one
   */
  public Answer gateBeforeChunk(int chunk, Gate gate) {
    return insertBeforeChunk(chunk, new Await(gate));
  }

  /** Puts other bytes, framed as a chunk, before a chunk: an error line in mid-stream. */
  public Answer insertBeforeChunk(int chunk, String text) {
    return insertBeforeChunk(chunk, new Write(framed(utf8(text)), -1));
  }

  /** Closes the connection (FIN) before this chunk. */
  public Answer closeBeforeChunk(int chunk) {
    return insertBeforeChunk(chunk, new End(false));
  }

  /** Closes the connection (FIN) after so many bytes of the answer. */
  public Answer cutAfter(int bytes) {
    return cut(bytes, new End(false));
  }

  /** Resets the connection (RST) after so many bytes of the answer. */
  public Answer resetAfter(int bytes) {
    return cut(bytes, new End(true));
  }

  /** Writes the answer in pieces of so many bytes, with this pause between them. */
  public Answer trickle(int bytes, Duration pause) {
    List<Step> all = new ArrayList<>();
    for (Step step : steps) {
      if (step instanceof Write write) {
        for (int at = 0; at < write.bytes.length; at += bytes) {
          int end = Math.min(at + bytes, write.bytes.length);
          all.add(new Write(Arrays.copyOfRange(write.bytes, at, end), -1));
          all.add(new Pause(pause));
        }
      } else {
        all.add(step);
      }
    }
    return new Answer(readsBody, all);
  }

  boolean readsBody() {
    return readsBody;
  }

  List<Step> steps() {
    return steps;
  }

  /** The same with the head only, as an answer to HEAD. */
  static Answer headOf(Recording recording) {
    return nothing().raw(Arrays.copyOf(recording.response(), recording.headLength()));
  }

  private Answer readingBody(boolean reads) {
    return new Answer(reads, steps);
  }

  private Answer with(Step step) {
    List<Step> all = new ArrayList<>(steps);
    all.add(step);
    return new Answer(readsBody, all);
  }

  private Answer insertBeforeChunk(int chunk, Step step) {
    int at = 0;
    int seen = -1;
    while (at < steps.size()) {
      if (isChunk(steps.get(at)) && ++seen == chunk) {
        break;
      }
      at++;
    }
    if (at == steps.size()) {
      if (seen + 1 != chunk) {
        throw new IllegalArgumentException("no chunk " + chunk + ", only " + (seen + 1));
      }
      at = lastChunk() + 1;
    }
    List<Step> all = new ArrayList<>(steps);
    all.add(at, step);
    return new Answer(readsBody, all);
  }

  private int lastChunk() {
    int last = -1;
    for (int i = 0; i < steps.size(); i++) {
      if (isChunk(steps.get(i))) {
        last = i;
      }
    }
    return last;
  }

  private Answer cut(int bytes, Step end) {
    List<Step> all = new ArrayList<>();
    int left = bytes;
    for (Step step : steps) {
      if (step instanceof Write write) {
        if (write.bytes.length > left) {
          all.add(new Write(Arrays.copyOf(write.bytes, left), write.chunk));
          all.add(end);
          return new Answer(readsBody, all);
        }
        left -= write.bytes.length;
      }
      all.add(step);
    }
    throw new IllegalArgumentException("the answer ends before byte " + bytes);
  }

  private static boolean isChunk(Step step) {
    return step instanceof Write write && write.chunk >= 0;
  }

  private static byte[] framed(byte[] chunk) {
    ByteArrayOutputStream framed = new ByteArrayOutputStream(chunk.length + 12);
    framed.writeBytes(utf8(Integer.toHexString(chunk.length) + "\r\n"));
    framed.writeBytes(chunk);
    framed.writeBytes(utf8("\r\n"));
    return framed.toByteArray();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
