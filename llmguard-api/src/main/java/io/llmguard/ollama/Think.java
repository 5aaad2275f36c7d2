package io.llmguard.ollama;

/** Whether, and how hard, a thinking model thinks before it answers. */
public sealed interface Think {
  /** On or off. */
  record Toggle(boolean on) implements Think {}

  /** A level by its name: {@code low}, {@code medium}, {@code high}, {@code max}, or another. */
  record Level(String name) implements Think {}

  /** Think, at the model's own level. */
  static Think on() {
    return new Toggle(true);
  }

  /** Do not think. */
  static Think off() {
    return new Toggle(false);
  }

  /** Think a little. */
  static Think low() {
    return new Level("low");
  }

  /** Think. */
  static Think medium() {
    return new Level("medium");
  }

  /** Think hard. */
  static Think high() {
    return new Level("high");
  }

  /** Think as hard as the model can. */
  static Think max() {
    return new Level("max");
  }

  /** Think at a level that the model knows by this name. */
  static Think level(String name) {
    return new Level(name);
  }
}
