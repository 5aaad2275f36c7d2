package io.llmguard.examples.gateway.chat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Reader;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/** Lines from a pipe or a file: no prompts, answers alone on standard output. */
public final class PipedTerminal implements ChatTerminal {
  private final BufferedReader in;
  private final PrintWriter out;
  private final PrintWriter err;

  /** Reads and writes there; closes nothing of it. */
  public PipedTerminal(Reader in, PrintWriter out, PrintWriter err) {
    this.in = new BufferedReader(in);
    this.out = out;
    this.err = err;
  }

  @Override
  public boolean interactive() {
    return false;
  }

  @Override
  public @Nullable String line(String prompt) {
    try {
      return in.readLine();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public @Nullable String secret(String prompt) {
    return null;
  }

  @Override
  public void print(String text) {
    out.print(text);
    out.flush();
  }

  @Override
  public void tell(String line) {
    err.println(line);
    err.flush();
  }

  @Override
  public void interruptible(Runnable cancel, Runnable body) {
    // Ctrl-C ends the program, as of any other in a pipeline
    body.run();
  }

  @Override
  public void close() {
    out.flush();
    err.flush();
  }
}
