package io.llmguard.examples.gateway.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Queue;
import org.jline.terminal.impl.ExternalTerminal;

/** A terminal with a line discipline, and what a person types and sees there. */
public final class PersonAtTerminal implements AutoCloseable {
  private static final long PATIENCE_NANOS = 20_000_000_000L;

  private final Keyboard keyboard = new Keyboard();
  private final Screen screen = new Screen();
  private final LineEditor terminal;

  /** An empty one. */
  public PersonAtTerminal() throws IOException {
    terminal =
        new LineEditor(
            new ExternalTerminal("test", "dumb", keyboard, screen, StandardCharsets.UTF_8));
  }

  /** The program's side. */
  public LineEditor terminal() {
    return terminal;
  }

  /** Types this; {@code \003} is Ctrl-C. */
  public void type(String text) {
    keyboard.type(text);
  }

  /** Waits for a text to be seen. */
  public void sees(String text) throws InterruptedException {
    assertThat(screen.shows(text)).as("%s in %s", text, screen.all()).isTrue();
  }

  /** All that was ever shown. */
  public String seen() {
    return screen.all();
  }

  @Override
  public void close() {
    keyboard.close();
    terminal.close();
  }

  private static final class Keyboard extends InputStream {
    private final Queue<Byte> typed = new ArrayDeque<>();
    private boolean closed;

    synchronized void type(String text) {
      for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
        typed.add(b);
      }
      notifyAll();
    }

    @Override
    public synchronized int read() throws IOException {
      try {
        while (typed.isEmpty() && !closed) {
          wait();
        }
      } catch (InterruptedException e) {
        throw new IOException(e);
      }
      Byte next = typed.poll();
      return next == null ? -1 : next & 0xff;
    }

    @Override
    public int read(byte[] target, int from, int length) throws IOException {
      int next = read();
      if (next < 0) {
        return -1;
      }
      target[from] = (byte) next;
      return 1;
    }

    @Override
    public synchronized void close() {
      closed = true;
      notifyAll();
    }
  }

  private static final class Screen extends ByteArrayOutputStream {
    @Override
    public synchronized void write(int b) {
      super.write(b);
      notifyAll();
    }

    @Override
    public synchronized void write(byte[] bytes, int from, int length) {
      super.write(bytes, from, length);
      notifyAll();
    }

    synchronized String all() {
      return toString(StandardCharsets.UTF_8);
    }

    synchronized boolean shows(String text) throws InterruptedException {
      long deadline = System.nanoTime() + PATIENCE_NANOS;
      while (!all().contains(text)) {
        long left = (deadline - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
          return false;
        }
        wait(left);
      }
      return true;
    }
  }
}
