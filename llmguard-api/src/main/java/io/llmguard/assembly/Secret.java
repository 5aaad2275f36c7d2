package io.llmguard.assembly;

/**
 * A value that no log shows.
 *
 * @param value the value itself
 */
public record Secret(String value) {
  @Override
  public String toString() {
    return "***";
  }
}
