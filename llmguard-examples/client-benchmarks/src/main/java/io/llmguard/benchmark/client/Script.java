package io.llmguard.benchmark.client;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;

/** The one question and its answer, which is the same for every client. */
final class Script {
  /** The model that is asked for. */
  static final String MODEL = "gemma3:270m";

  /** What it is asked. */
  static final String QUESTION = "Why is the sky blue, and why is it red in the evening?";

  /** How many lines with text an answer has; one more without text ends it. */
  static final int TOKENS = 1000;

  private Script() {}

  /** The text of a token: like English, one in ten with a character beyond ASCII. */
  static String token(int i) {
    return i % 10 == 9 ? " é%02d,".formatted(i % 100) : " word%02d".formatted(i % 100);
  }

  /** How long the whole text is. */
  static int length() {
    int length = 0;
    for (int i = 0; i < TOKENS; i++) {
      length += token(i).length();
    }
    return length;
  }

  /** The answer as Ollama frames it, one HTTP chunk for each line. */
  static byte[] answer() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(
        """
        HTTP/1.1 200 OK
        Content-Type: application/x-ndjson
        Date: Mon, 23 Nov 2026 02:27:05 GMT
        Transfer-Encoding: chunked

        """
            .replace("\n", "\r\n")
            .getBytes(UTF_8));
    for (int i = 0; i < TOKENS; i++) {
      chunk(out, line(i, token(i), "\"done\":false"));
    }
    chunk(
        out,
        line(
            TOKENS,
            "",
            """
            "done":true,"done_reason":"stop","total_duration":3137160248,"load_duration":141022412,\
            "prompt_eval_count":22,"prompt_eval_duration":501904086,"eval_count":%d,\
            "eval_duration":2443749393"""
                .formatted(TOKENS)));
    out.writeBytes("0\r\n\r\n".getBytes(UTF_8));
    return out.toByteArray();
  }

  private static String line(int i, String text, String end) {
    return """
        {"model":"%s","created_at":"2026-11-23T02:27:%02d.%09dZ",\
        "message":{"role":"assistant","content":"%s"},%s}
        """
        .formatted(MODEL, i / 20 % 60, i % 20 * 50_000_000 + 6_632_357, text, end);
  }

  private static void chunk(ByteArrayOutputStream out, String line) {
    byte[] bytes = line.getBytes(UTF_8);
    out.writeBytes((Integer.toHexString(bytes.length) + "\r\n").getBytes(UTF_8));
    out.writeBytes(bytes);
    out.writeBytes("\r\n".getBytes(UTF_8));
  }
}
