package io.llmguard.examples.gateway.chat;

import java.io.IOException;
import java.io.UncheckedIOException;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jspecify.annotations.Nullable;

/** A person's terminal, with editing and a history that is forgotten at the end. */
public final class LineEditor implements ChatTerminal {
  private final Terminal terminal;
  private final LineReader reader;

  /** On this terminal, which it closes. */
  public LineEditor(Terminal terminal) {
    this.terminal = terminal;
    this.reader =
        LineReaderBuilder.builder()
            .terminal(terminal)
            .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
            .build();
  }

  /** On the terminal that the program was started from. */
  public static LineEditor open() throws IOException {
    return new LineEditor(TerminalBuilder.builder().system(true).nativeSignals(true).build());
  }

  @Override
  public boolean interactive() {
    return true;
  }

  @Override
  public @Nullable String line(String prompt) {
    while (true) {
      try {
        return reader.readLine(prompt);
      } catch (UserInterruptException e) {
        tell("/bye or Ctrl-D ends the chat");
      } catch (EndOfFileException e) {
        return null;
      }
    }
  }

  @Override
  public @Nullable String secret(String prompt) {
    try {
      return reader.readLine(prompt, '\0');
    } catch (UserInterruptException | EndOfFileException e) {
      return null;
    }
  }

  @Override
  public void print(String text) {
    terminal.writer().print(text);
    terminal.flush();
  }

  @Override
  public void tell(String line) {
    terminal.writer().println(line);
    terminal.flush();
  }

  @Override
  public void interruptible(Runnable cancel, Runnable body) {
    Terminal.SignalHandler before = terminal.handle(Terminal.Signal.INT, signal -> cancel.run());
    try {
      body.run();
    } finally {
      terminal.handle(Terminal.Signal.INT, before);
    }
  }

  @Override
  public void close() {
    try {
      terminal.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
