package io.llmguard.wire;

/** How an answer is divided. */
public enum Framing {
  /** It is one document, or nothing that llmguard looks into. */
  DOCUMENT,
  /** Newline-delimited JSON: each line is a text of its own. */
  LINES,
  /** Server-sent events (WHATWG HTML, 9.2). */
  EVENTS
}
