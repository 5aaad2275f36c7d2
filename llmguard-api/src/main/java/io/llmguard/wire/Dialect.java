package io.llmguard.wire;

/** The family of shapes that an API's bodies, streams and errors have. */
public enum Dialect {
  /** Ollama's native API: newline-delimited JSON, {@code {"error":"…"}}. */
  OLLAMA,
  /** OpenAI's API: server-sent events ended by {@code [DONE]}, {@code {"error":{…}}}. */
  OPENAI,
  /** Anthropic's messages API: named server-sent events, {@code {"type":"error",…}}. */
  ANTHROPIC,
  /** None of an LLM's: problem details (RFC 9457). */
  PLAIN
}
