package io.llmguard.examples.gateway.chat;

import org.jspecify.annotations.Nullable;

/** Where a chat is typed and shown. Used by one thread; the interrupt comes from another. */
public interface ChatTerminal extends AutoCloseable {
  /** Whether a person types, who can be asked and can try again. */
  boolean interactive();

  /** The next line that was typed; null at the end of the input. */
  @Nullable String line(String prompt);

  /** What was typed without being shown; null where nobody can be asked. */
  @Nullable String secret(String prompt);

  /** Shows a piece of the answer at once. */
  void print(String text);

  /** Tells the person something beside the answers. */
  void tell(String line);

  /** Runs a body during which Ctrl-C cancels it in place of the program. */
  void interruptible(Runnable cancel, Runnable body);

  @Override
  void close();
}
