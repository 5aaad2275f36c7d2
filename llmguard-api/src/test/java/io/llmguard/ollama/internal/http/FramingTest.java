package io.llmguard.ollama.internal.http;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.net.ProtocolException;
import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Heads and bodies of answers, split anywhere and broken in every way. */
class FramingTest {
  private static final String HEAD =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-A: 1\r\nx-a:\t2 \r\n\r\n";

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(ISO_8859_1));
  }

  private static Head head(String text) throws ProtocolException {
    Head head = new Head();
    assertThat(head.read(bytes(text))).isTrue();
    return head;
  }

  private static Body body(String fields) throws ProtocolException {
    return head("HTTP/1.1 200 OK\r\n" + fields + "\r\n").body();
  }

  /** What a body's framing holds, given in pieces of this size. */
  private static String content(Body body, String framed, int size) throws ProtocolException {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (int at = 0; at < framed.length(); at += size) {
      ByteBuffer piece = bytes(framed.substring(at, Math.min(framed.length(), at + size)));
      body.read(piece, content::write);
    }
    return content.toString(ISO_8859_1);
  }

  @Test
  void aHeadIsReadHoweverItIsSplitAndNoFurther() throws ProtocolException {
    for (int size = 1; size <= HEAD.length(); size++) {
      Head head = new Head();
      boolean whole = false;
      for (int at = 0; at < HEAD.length(); at += size) {
        assertThat(whole).isFalse();
        whole = head.read(bytes(HEAD.substring(at, Math.min(HEAD.length(), at + size))));
      }
      assertThat(whole).isTrue();
      assertThat(head.status()).isEqualTo(200);
      assertThat(head.headers().allValues("X-a")).containsExactly("1", "2");
    }
    ByteBuffer more = bytes(HEAD + "body");
    assertThat(new Head().read(more)).isTrue();
    assertThat(more.remaining()).isEqualTo(4);
  }

  @Test
  void interimAnswersAreNotTheAnswer() throws ProtocolException {
    Head head = head("HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n");
    assertThat(head.status()).isEqualTo(204);
    assertThat(head.headers().map()).isEmpty();
    assertThat(head.body().ended()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SSH-2.0-OpenSSH_9\r\n",
        "HTTP/2 200\r\n",
        "HTTP/1.1 20 OK\r\n",
        "HTTP/1.1 2000\r\n",
        "HTTP/1.1 099 X\r\n",
        "\r\n",
        "HTTP/1.1 200 OK\r\n: x\r\n",
        "HTTP/1.1 200 OK\r\nA B: x\r\n",
        "HTTP/1.1 200 OK\r\nA\r\n",
        "HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n",
        "HTTP/1.1 200 OK\r\nA: a\u0000b\r\n",
        "HTTP/1.1 200 OK\r\nA: a\rb\r\n"
      })
  void whatIsNoHeadIsRefused(String text) {
    assertThatThrownBy(() -> new Head().read(bytes(text))).isInstanceOf(ProtocolException.class);
  }

  @Test
  void aHeadWithoutAnEndIsRefused() {
    String text = "HTTP/1.1 200 OK\r\n" + "A: 0123456789\r\n".repeat(10_000);
    assertThatThrownBy(() -> new Head().read(bytes(text))).hasMessageContaining("65536");
  }

  @Test
  void onlyAConnectionThatStaysIsKept() throws ProtocolException {
    assertThat(head(HEAD).keepsConnection()).isTrue();
    assertThat(head("HTTP/1.0 200 OK\r\n\r\n").keepsConnection()).isFalse();
    assertThat(head("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n\r\n").keepsConnection()).isFalse();
    String none = "HTTP/1.1 204 No Content\r\n";
    assertThat(head(none + "Content-Length: 0\r\n\r\n").keepsConnection()).isTrue();
    assertThat(head(none + "Content-Length: 1\r\n\r\n").keepsConnection()).isFalse();
    assertThat(head(none + "Transfer-Encoding: chunked\r\n\r\n").keepsConnection()).isFalse();
  }

  @Test
  void chunksAreReadHoweverTheyAreSplit() throws ProtocolException {
    String framed = "3\r\nabc\r\n0010;x=\"y\"\r\n0123456789abcdef\r\n1 \nz\n0\r\nT: 1\r\n\r\n";
    for (int size = 1; size <= framed.length(); size++) {
      Body body = body("Transfer-Encoding: chunked\r\n");
      assertThat(content(body, framed, size)).isEqualTo("abc0123456789abcdefz");
      assertThat(body.ended()).isTrue();
    }
    for (int cut = 0; cut < framed.length(); cut++) {
      Body body = body("Transfer-Encoding: Chunked\r\n");
      content(body, framed.substring(0, cut), 7);
      assertThat(body.ended()).as("cut at %d", cut).isFalse();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "g\r\n",
        "\r\n",
        ";x\r\n",
        "-1\r\n",
        "0x1\r\n",
        "1\rx",
        "1111111111111111\r\n",
        "3\r\nabcd",
        "3\r\nabc\rx"
      })
  void chunksThatDoNotHoldAreRefused(String framed) throws ProtocolException {
    Body body = body("Transfer-Encoding: chunked\r\n");
    assertThatThrownBy(() -> content(body, framed, 64)).isInstanceOf(ProtocolException.class);
  }

  @Test
  void framingWithoutAnEndIsRefused() throws ProtocolException {
    Body extension = body("Transfer-Encoding: chunked\r\n");
    assertThatThrownBy(() -> content(extension, "1;" + "x".repeat(9_000), 64))
        .isInstanceOf(ProtocolException.class);
    Body trailer = body("Transfer-Encoding: chunked\r\n");
    assertThatThrownBy(() -> content(trailer, "0\r\n" + "T: 1\r\n".repeat(20_000), 64))
        .isInstanceOf(ProtocolException.class);
  }

  @Test
  void aLengthEndsTheBodyAndNoByteBehindItIsRead() throws ProtocolException {
    Body body = body("Content-Length: 3\r\ncontent-length: 3\r\n");
    ByteBuffer more = bytes("abcd");
    body.read(more, (bytes, from, count) -> assertThat(count).isEqualTo(3));
    assertThat(body.ended()).isTrue();
    assertThat(more.remaining()).isEqualTo(1);
    assertThat(body("Content-Length: 0\r\n").ended()).isTrue();
    assertThat(body("").endsWithConnection()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "Content-Length: 3\r\nContent-Length: 4\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: 1, 1\r\n",
        "Content-Length: -0\r\n",
        "Content-Length: 0x1\r\n",
        "Content-Length: 1 1\r\n",
        "Content-Length:\r\n",
        "Content-Length: 9223372036854775808\r\n",
        "Content-Length: x\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"
      })
  void aBodyWithoutOneFramingIsRefused(String fields) {
    assertThatThrownBy(() -> body(fields)).isInstanceOf(ProtocolException.class);
  }
}
