package io.llmguard.benchmark.upstream;

import static java.nio.charset.StandardCharsets.US_ASCII;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Locale;

/** Which prepared answer a request gets. */
final class Answers {
  /** What is written, one buffer for each write; and whether with pauses. */
  record Script(List<ByteBuffer> writes, boolean paced) {
    static Script of(Payload payload) {
      return new Script(
          payload.writes().stream()
              .map(b -> ByteBuffer.allocateDirect(b.length).put(b).flip())
              .toList(),
          payload.paced());
    }

    static Script of(String answer) {
      byte[] bytes = answer.getBytes(US_ASCII);
      return new Script(List.of(ByteBuffer.allocateDirect(bytes.length).put(bytes).flip()), false);
    }
  }

  private static final byte[] VALIDATE = " /validate".getBytes(US_ASCII);
  private static final byte[] OPENAI = " /v1/".getBytes(US_ASCII);
  private static final byte[] KEY = "x-api-key: ".getBytes(US_ASCII);

  private final Script plain = Script.of(Payload.PLAIN);
  private final Script stream = Script.of(Payload.STREAM);
  private final Script paced = Script.of(Payload.PACED);
  private final Script completion = Script.of(Payload.COMPLETION);
  private final Script events = Script.of(Payload.EVENTS);
  private final Script valid = Script.of("HTTP/1.1 204 No Content\r\n\r\n");
  private final Script invalid =
      Script.of("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
  private final Script other =
      Script.of(
          "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n"
              + "{\"models\":[]}");
  private final byte[] keyDigest;
  private final byte[] streamModel = Payload.STREAM.model().getBytes(US_ASCII);
  private final byte[] pacedModel = Payload.PACED.model().getBytes(US_ASCII);
  private final byte[] eventsModel = Payload.EVENTS.model().getBytes(US_ASCII);

  Answers(String apiKey) {
    this.keyDigest = sha256().digest(apiKey.getBytes(US_ASCII));
  }

  /** The answer to the request in {@code bytes}, whose body begins at {@code head}. */
  Script to(byte[] bytes, int head, int end) {
    if (bytes[0] != 'P') {
      return find(bytes, 0, 32, VALIDATE) < 0 ? other : validate(bytes, head);
    }
    if (find(bytes, 0, 32, OPENAI) >= 0) {
      // OpenAI's own client, which proxies use, writes the name behind the prompt
      return find(bytes, head, end, eventsModel) >= 0 ? events : completion;
    }
    // the name stands near the body's beginning
    int until = Math.min(end, head + 200);
    if (find(bytes, head, until, streamModel) >= 0) {
      return stream;
    }
    return find(bytes, head, until, pacedModel) >= 0 ? paced : plain;
  }

  private Script validate(byte[] bytes, int head) {
    String text = new String(bytes, 0, head, US_ASCII);
    int at = text.toLowerCase(Locale.ROOT).indexOf(new String(KEY, US_ASCII));
    if (at < 0) {
      return invalid;
    }
    String key = text.substring(at + KEY.length, text.indexOf('\r', at));
    byte[] digest = sha256().digest(key.getBytes(US_ASCII));
    return MessageDigest.isEqual(digest, keyDigest) ? valid : invalid;
  }

  private static int find(byte[] in, int from, int to, byte[] what) {
    for (int i = from; i <= to - what.length; i++) {
      int j = 0;
      while (j < what.length && in[i + j] == what[j]) {
        j++;
      }
      if (j == what.length) {
        return i;
      }
    }
    return -1;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
