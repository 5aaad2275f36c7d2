package io.llmguard.examples.gateway.command;

import io.llmguard.assembly.FirstKey;

/** Whether a person is there. */
final class Terminals {
  private Terminals() {}

  /** True if a person types the input and reads the output. */
  static boolean interactive() {
    return FirstKey.onTerminal();
  }
}
