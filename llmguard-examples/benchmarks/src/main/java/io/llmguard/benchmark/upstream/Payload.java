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
  PLAIN("bench-plain", Dialect.OLLAMA, false, false),
  /** A chat answered by 100 chunks as fast as they can be written. */
  STREAM("bench-stream", Dialect.OLLAMA, true, false),
  /** A chat answered by 100 chunks at the pace of a model that generates. */
  PACED("bench-paced", Dialect.OLLAMA, true, true),
  /** OpenAI's chat completion, answered by one JSON object. */
  COMPLETION("bench-completion", Dialect.OPENAI, false, false),
  /** OpenAI's chat completion, answered by 100 events as fast as they can be written. */
  EVENTS("bench-events", Dialect.OPENAI, true, false);

  /** Chunks in a stream. */
  public static final int CHUNKS = 100;

  private static final int PROMPT_BYTES = 600;

  private final String model;
  private final Dialect dialect;
  private final boolean stream;
  private final boolean paced;

  Payload(String model, Dialect dialect, boolean stream, boolean paced) {
    this.model = model;
    this.dialect = dialect;
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

  /** The whole request, with the API key where the dialect's clients send it. */
  public byte[] request(String host, String apiKey) {
    String body = new String(requestBody(), US_ASCII);
    String head =
        """
        POST %s HTTP/1.1
        Host: %s
        Content-Type: application/json
        %s: %s
        Content-Length: %d

        """
            .formatted(
                dialect.path, host, dialect.credential, dialect.scheme + apiKey, body.length());
    return (head.replace("\n", "\r\n") + body).getBytes(US_ASCII);
  }

  /** The least bytes of a whole answer's body, without framing. */
  public int leastBody() {
    return dialect == Dialect.OLLAMA ? bodyLength() : textLength();
  }

  /**
   * The most bytes of a whole answer's body: as many as the least, or no limit where a proxy that
   * writes answers of its own is measured too.
   */
  public int mostBody() {
    return dialect == Dialect.OLLAMA ? bodyLength() : Integer.MAX_VALUE;
  }

  private int bodyLength() {
    return lines().stream().mapToInt(String::length).sum();
  }

  private int textLength() {
    return stream ? word(0).length() * (CHUNKS - 1) : TEXT.length();
  }

  /** The request's body. */
  public byte[] requestBody() {
    return """
        {"model":"%s","messages":[{"role":"user","content":"%s"}],"stream":%b%s}"""
        .formatted(
            model,
            prompt(),
            stream,
            this == EVENTS ? ",\"stream_options\":{\"include_usage\":true}" : "")
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
        write.writeBytes(head(dialect.streamType, "Transfer-Encoding: chunked").getBytes(US_ASCII));
      }
      write.writeBytes(
          (Integer.toHexString(line.length()) + "\r\n" + line + "\r\n").getBytes(US_ASCII));
      writes.add(write.toByteArray());
    }
    writes.add("0\r\n\r\n".getBytes(US_ASCII));
    return writes;
  }

  private List<String> lines() {
    return dialect == Dialect.OLLAMA ? ollamaLines() : openAiLines();
  }

  private List<String> ollamaLines() {
    if (!stream) {
      return List.of(
          """
          {"model":"%s","created_at":"2026-11-23T02:27:23.342422767Z","message":{"role":"assistant",\
          "content":"%s"},%s}"""
              .formatted(model, TEXT, DONE));
    }
    List<String> lines = new ArrayList<>();
    for (int i = 1; i < CHUNKS; i++) {
      lines.add(line(word(i), "\"done\":false"));
    }
    lines.add(line("", DONE));
    return lines;
  }

  private List<String> openAiLines() {
    if (!stream) {
      return List.of(
          """
          {"id":"chatcmpl-1","object":"chat.completion","created":1795400843,"model":"%s",\
          "choices":[{"index":0,"message":{"role":"assistant","content":"%s"},\
          "finish_reason":"stop"}],%s}"""
              .formatted(model, TEXT, USAGE));
    }
    List<String> lines = new ArrayList<>();
    for (int i = 1; i < CHUNKS; i++) {
      lines.add(event("{\"role\":\"assistant\",\"content\":\"" + word(i) + "\"}", "null"));
    }
    // the last chunk, the usage and the terminator come in one write, as servers send them
    lines.add(
        event("{}", "\"stop\"")
            + """
            data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795400843,\
            "model":"%s","choices":[],%s}

            data: [DONE]

            """
                .formatted(model, USAGE));
    return lines;
  }

  private String event(String delta, String finish) {
    return """
        data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1795400843,\
        "model":"%s","choices":[{"index":0,"delta":%s,"finish_reason":%s}]}

        """
        .formatted(model, delta, finish);
  }

  private String line(String content, String end) {
    return """
        {"model":"%s","created_at":"2026-11-23T02:27:05.606632357Z",\
        "message":{"role":"assistant","content":"%s"},%s}
        """
        .formatted(model, content, end);
  }

  private static String word(int number) {
    return " word%02d".formatted(number);
  }

  private static final String TEXT = "Tell me a fact about the sea. ".repeat(5);

  private static final String USAGE =
      """
      "usage":{"prompt_tokens":131,"completion_tokens":99,"total_tokens":230}""";

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

  /** What differs between the two APIs that the calls are made by. */
  private enum Dialect {
    OLLAMA("/api/chat", "X-Api-Key", "", "application/x-ndjson"),
    OPENAI("/v1/chat/completions", "Authorization", "Bearer ", "text/event-stream");

    private final String path;
    private final String credential;
    private final String scheme;
    private final String streamType;

    Dialect(String path, String credential, String scheme, String streamType) {
      this.path = path;
      this.credential = credential;
      this.scheme = scheme;
      this.streamType = streamType;
    }
  }
}
