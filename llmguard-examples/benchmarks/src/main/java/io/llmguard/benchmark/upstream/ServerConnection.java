package io.llmguard.benchmark.upstream;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/** One connection of the upstream: reads a request, writes its answer, and again. */
final class ServerConnection {
  private static final byte[] LENGTH = "content-length:".getBytes(US_ASCII);
  private static final byte[] CHUNKED = "transfer-encoding:".getBytes(US_ASCII);
  private static final byte[] CLOSE = "connection: close".getBytes(US_ASCII);
  private static final int END_OF_HEAD = ('\r' << 24) | ('\n' << 16) | ('\r' << 8) | '\n';

  private final SocketChannel channel;
  private final SelectionKey key;
  private final Answers answers;
  private final UpstreamServer server;
  private final byte[] bytes = new byte[1 << 14];
  private final ByteBuffer in = ByteBuffer.wrap(bytes);

  private Answers.@Nullable Script script;
  private int next;
  private boolean last;
  private @Nullable ByteBuffer current;
  private long due;

  ServerConnection(
      SocketChannel channel, SelectionKey key, Answers answers, UpstreamServer server) {
    this.channel = channel;
    this.key = key;
    this.answers = answers;
    this.server = server;
  }

  long due() {
    return due;
  }

  void due(long nanoTime) {
    due = nanoTime;
  }

  void ready() {
    try {
      if (key.isWritable()) {
        key.interestOps(SelectionKey.OP_READ);
        write();
      }
      if (key.isReadable()) {
        read();
      }
    } catch (IOException e) {
      leave();
    }
  }

  /** Goes on after a pause. */
  void writeOn() {
    try {
      if (channel.isOpen()) {
        write();
      }
    } catch (IOException e) {
      leave();
    }
  }

  private void read() throws IOException {
    if (channel.read(in) < 0) {
      leave();
      return;
    }
    if (script == null) {
      answerIfComplete();
    }
  }

  private void answerIfComplete() throws IOException {
    int head = endOfHead();
    if (head < 0 || !bodyComplete(head)) {
      if (!in.hasRemaining()) {
        throw new IOException("a request of over " + bytes.length + " bytes");
      }
      return;
    }
    script = answers.to(bytes, head, in.position());
    last = says(head, CLOSE);
    next = 0;
    current = null;
    in.clear();
    write();
  }

  private void write() throws IOException {
    Answers.Script answer = script;
    while (answer != null && next < answer.writes().size()) {
      ByteBuffer buffer = current;
      if (buffer == null) {
        buffer = answer.writes().get(next).duplicate();
        current = buffer;
      }
      channel.write(buffer);
      if (buffer.hasRemaining()) {
        key.interestOps(SelectionKey.OP_READ | SelectionKey.OP_WRITE);
        return;
      }
      current = null;
      next++;
      // the terminator follows the last chunk without a pause
      if (answer.paced() && next < answer.writes().size() - 1) {
        server.later(this);
        return;
      }
    }
    if (answer != null && last) {
      leave();
      return;
    }
    script = null;
  }

  private boolean says(int head, byte[] lowerCaseField) {
    for (int at = 0; at < head - lowerCaseField.length; at++) {
      if (bytes[at] == '\n' && startsWith(at + 1, lowerCaseField)) {
        return true;
      }
    }
    return false;
  }

  private int endOfHead() {
    int last = 0;
    for (int i = 0; i < in.position(); i++) {
      last = (last << 8) | bytes[i];
      if (last == END_OF_HEAD) {
        return i + 1;
      }
    }
    return -1;
  }

  private boolean bodyComplete(int head) {
    for (int at = 0; at < head; at++) {
      if (bytes[at] != '\n') {
        continue;
      }
      if (startsWith(at + 1, LENGTH)) {
        return in.position() - head >= number(at + 1 + LENGTH.length);
      }
      if (startsWith(at + 1, CHUNKED)) {
        int end = in.position();
        return end - head >= 5 && bytes[end - 5] == '0' && bytes[end - 1] == '\n';
      }
    }
    return true;
  }

  private boolean startsWith(int at, byte[] lowerCase) {
    for (int i = 0; i < lowerCase.length; i++) {
      if (Character.toLowerCase((char) bytes[at + i]) != lowerCase[i]) {
        return false;
      }
    }
    return true;
  }

  private int number(int from) {
    int value = 0;
    for (int i = from; bytes[i] != '\r'; i++) {
      if (bytes[i] != ' ') {
        value = value * 10 + bytes[i] - '0';
      }
    }
    return value;
  }

  private void leave() {
    try {
      key.cancel();
      channel.close();
    } catch (IOException e) {
      // it is gone already, which is all that was wanted
    }
  }
}
