package io.llmguard.examples.gateway.command;

import java.io.Console;

/** Whether a person is there. */
final class Terminals {
  private Terminals() {}

  /**
   * True if a person types the input and reads the output. Before JDK 22 a console was there on
   * terminals only.
   */
  @SuppressWarnings("SystemConsoleNull") // what later versions answer is asked for below
  static boolean interactive() {
    Console console = System.console();
    if (console == null) {
      return false;
    }
    try {
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (NoSuchMethodException e) {
      return true;
    } catch (ReflectiveOperationException e) {
      return false;
    }
  }
}
