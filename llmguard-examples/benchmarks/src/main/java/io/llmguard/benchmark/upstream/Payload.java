package io.llmguard.benchmark.upstream;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * What goes over the wire: one request and one answer for each kind of call. The model's name in
 * the request tells the upstream which answer is wanted.
 */
public enum Payload {
  /** A chat answered by one JSON object. */
  PLAIN("bench-plain", false, false),
  /** A chat answered by 100 chunks as fast as they can be written. */
  STREAM("bench-stream", true, false),
  /** A chat answered by 100 chunks at the pace of a model that generates. */
  PACED("bench-paced", true, true);

  /** Chunks in a stream. */
  public static final int CHUNKS = 100;

  private static final int PROMPT_BYTES = 600;

  private final String model;
  private final boolean stream;
  private final boolean paced;

  Payload(String model, boolean stream, boolean paced) {
    this.model = model;
    this.stream = stream;
    this.paced = paced;
  }

  /** The model's name. */
  public String model() {
    return model;
  }

  /** Whether the answer comes in chunks. */
  public boolean stream() {
    return stream;
  }

  /** Whether there are pauses between the chunks. */
  public boolean paced() {
    return paced;
  }

  /** The whole request, with the API key in {@code X-Api-Key}. */
  public byte[] request(String host, String apiKey) {
    String body = new String(requestBody(), US_ASCII);
    String head =
        """
        POST /api/chat HTTP/1.1
        Host: %s
        Content-Type: application/json
        X-Api-Key: %s
        Content-Length: %d

        """
            .formatted(host, apiKey, body.length());
    return (head.replace("\n", "\r\n") + body).getBytes(US_ASCII);
  }

  /** The bytes of the answer's body, without framing. */
  public int bodyLength() {
    return lines().stream().mapToInt(String::length).sum();
  }

  /** The request's body. */
  public byte[] requestBody() {
    return """
        {"model":"%s","messages":[{"role":"user","content":"%s"}],"stream":%b}"""
        .formatted(model, prompt(), stream)
        .getBytes(US_ASCII);
  }

  /** The answer's body without framing, one element for each write. */
  public List<byte[]> answerBody() {
    return lines().stream().map(line -> line.getBytes(US_ASCII)).toList();
  }

  /** The answer, one element for each write. */
  List<byte[]> writes() {
    if (!stream) {
      String body = lines().get(0);
      return List.of(
          (head("application/json; charset=utf-8", "Content-Length: " + body.length()) + body)
              .getBytes(US_ASCII));
    }
    List<byte[]> writes = new ArrayList<>();
    for (String line : lines()) {
      ByteArrayOutputStream write = new ByteArrayOutputStream();
      if (writes.isEmpty()) {
        write.writeBytes(
            head("application/x-ndjson", "Transfer-Encoding: chunked").getBytes(US_ASCII));
      }
      write.writeBytes(
          (Integer.toHexString(line.length()) + "\r\n" + line + "\r\n").getBytes(US_ASCII));
      writes.add(write.toByteArray());
    }
    writes.add("0\r\n\r\n".getBytes(US_ASCII));
    return writes;
  }

  private List<String> lines() {
    if (!stream) {
      return List.of(
          """
          {"model":"%s","created_at":"2026-11-23T02:27:23.342422767Z","message":{"role":"assistant",\
          "content":"%s"},%s}"""
              .formatted(model, "Tell me a fact about the sea. ".repeat(5), DONE));
    }
    List<String> lines = new ArrayList<>();
    for (int i = 1; i < CHUNKS; i++) {
      lines.add(line(" word%02d".formatted(i), "\"done\":false"));
    }
    lines.add(line("", DONE));
    return lines;
  }

  private String line(String content, String end) {
    return """
        {"model":"%s","created_at":"2026-11-23T02:27:05.606632357Z",\
        "message":{"role":"assistant","content":"%s"},%s}
        """
        .formatted(model, content, end);
  }

  private static final String DONE =
      """
      "done":true,"done_reason":"stop","total_duration":3137160248,"load_duration":141022412,\
      "prompt_eval_count":131,"prompt_eval_duration":501904086,"eval_count":99,\
      "eval_duration":2443749393""";

  private static String head(String type, String framing) {
    return "HTTP/1.1 200 OK\r\nContent-Type: "
        + type
        + "\r\nDate: Mon, 23 Nov 2026 02:27:23 GMT\r\n"
        + framing
        + "\r\n\r\n";
  }

  private static String prompt() {
    String words = "Why is the sky blue, and why is it red in the evening? ";
    return words.repeat(PROMPT_BYTES / words.length() + 1).substring(0, PROMPT_BYTES);
  }
}
