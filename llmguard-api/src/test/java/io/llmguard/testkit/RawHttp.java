package io.llmguard.testkit;

import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An HTTP/1.1 client that sends exactly the bytes it is told to and sees exactly what comes back.
 * One connection, not thread-safe. A read that waits for over 20 seconds throws {@link
 * java.net.SocketTimeoutException}.
 *
 * <pre>{@code
 * try (RawHttp client = RawHttp.connect(port)) {
 *   client.post("/api/chat", body, "Authorization: Bearer " + key);
 *   assertThat(client.readHead().status()).isEqualTo(200);
 *   byte[] first = client.readSome();
 *   String rest = client.readText();
 *   assertThat(client.end()).isEqualTo(RawHttp.End.COMPLETE);
 * }
 * }</pre>
 */
public final class RawHttp implements AutoCloseable {
  private static final int DEADLINE_MILLIS = 20_000;

  /** How a response's body ended. */
  public enum End {
    /** As its framing says: the last chunk, the last byte, or the close that delimits it. */
    COMPLETE,
    /** The connection was closed (FIN) before that. */
    CUT,
    /** The connection was reset (RST) before that. */
    RESET
  }

  /**
   * The status line and the headers.
   *
   * @param status the status code
   * @param headers the headers, in order and in their own case
   */
  public record Head(int status, List<Header> headers) {
    /** The first value of a header, whatever the case of its name. */
    public Optional<String> header(String name) {
      return Wire.first(headers, name);
    }

    /** All values of a header, whatever the case of its name. */
    public List<String> headerValues(String name) {
      return Wire.values(headers, name).toList();
    }
  }

  private final Socket socket;
  private final InputStream in;
  private final byte[] buffer = new byte[1 << 16];
  private boolean headRequest;
  private @Nullable BodyReader body;
  private @Nullable End end;

  private RawHttp(Socket socket) throws IOException {
    this.socket = socket;
    socket.setTcpNoDelay(true);
    socket.setSoTimeout(DEADLINE_MILLIS);
    this.in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
  }

  /** Connects to a port of the loopback address. */
  public static RawHttp connect(int port) throws IOException {
    return over(new Socket(InetAddress.getLoopbackAddress(), port));
  }

  /** Speaks over a connected socket: a TLS one, or one with a small receive buffer. */
  public static RawHttp over(Socket socket) throws IOException {
    return new RawHttp(socket);
  }

  /** Sends this text as UTF-8, in one write. */
  public RawHttp send(String text) throws IOException {
    return send(text.getBytes(StandardCharsets.UTF_8));
  }

  /** Sends these bytes, in one write. */
  public RawHttp send(byte[] bytes) throws IOException {
    socket.getOutputStream().write(bytes);
    return this;
  }

  /** Sends a GET; {@code headers} are whole lines without their end. */
  public RawHttp get(String target, String... headers) throws IOException {
    return request("GET", target, null, headers);
  }

  /** Sends a POST of JSON; {@code headers} are whole lines without their end. */
  public RawHttp post(String target, String json, String... headers) throws IOException {
    String[] all = Arrays.copyOf(headers, headers.length + 1);
    all[headers.length] = "Content-Type: application/json";
    return request("POST", target, json.getBytes(StandardCharsets.UTF_8), all);
  }

  /**
   * Sends a well-formed request in one write, with {@code Host: localhost} unless the headers have
   * one, and a {@code Content-Length} where there is a body.
   */
  public RawHttp request(
      String method, String target, byte @Nullable [] requestBody, String... headers)
      throws IOException {
    StringBuilder head = new StringBuilder(method + " " + target + " HTTP/1.1\r\n");
    if (Arrays.stream(headers).noneMatch(h -> h.regionMatches(true, 0, "Host:", 0, 5))) {
      head.append("Host: localhost\r\n");
    }
    for (String header : headers) {
      head.append(header).append("\r\n");
    }
    if (requestBody != null) {
      head.append("Content-Length: ").append(requestBody.length).append("\r\n");
    }
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    all.writeBytes(head.append("\r\n").toString().getBytes(StandardCharsets.UTF_8));
    if (requestBody != null) {
      all.writeBytes(requestBody);
    }
    headRequest = method.equals("HEAD");
    return send(all.toByteArray());
  }

  /**
   * Reads the next response's head; interim ones (1xx) are skipped. The body of the response before
   * must have been read.
   *
   * @throws EOFException where the connection was closed before the head was complete
   */
  public Head readHead() throws IOException {
    end = null;
    while (true) {
      String line = Wire.requiredLine(in);
      if (!line.startsWith("HTTP/1.")) {
        throw new IOException("no status line: " + line);
      }
      int status = Integer.parseInt(line.split(" ", 3)[1]);
      List<Header> headers = Wire.headers(in);
      if (status >= 200 || status == 101) {
        boolean bodiless = headRequest || status == 204 || status == 304;
        headRequest = false;
        body = BodyReader.ofResponse(in, headers, bodiless);
        return new Head(status, headers);
      }
    }
  }

  /**
   * Reads what has come of the body, without its framing: at least a byte and never beyond the end
   * of a chunk; null at its end, and {@link #end()} says which one that was.
   */
  public byte @Nullable [] readSome() throws IOException {
    BodyReader reader = body;
    if (reader == null) {
      throw new IllegalStateException("read the head first");
    }
    if (end != null) {
      return null;
    }
    try {
      int n = reader.read(buffer);
      if (n >= 0) {
        return Arrays.copyOf(buffer, n);
      }
      end = End.COMPLETE;
    } catch (EOFException e) {
      end = End.CUT;
    } catch (SocketException e) {
      end = End.RESET;
    }
    return null;
  }

  /** Reads so many bytes of the body, fewer only at its end. */
  public byte[] readBytes(int count) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    while (all.size() < count) {
      byte[] some = readSome();
      if (some == null) {
        break;
      }
      all.writeBytes(some);
    }
    return all.toByteArray();
  }

  /** Reads the rest of the body. */
  public byte[] readBody() throws IOException {
    return readBytes(Integer.MAX_VALUE);
  }

  /** Reads the rest of the body as text. */
  public String readText() throws IOException {
    return new String(readBody(), StandardCharsets.UTF_8);
  }

  /** How the body ended; null while it has not. */
  public @Nullable End end() {
    return end;
  }

  /** Waits for the other side to close the connection; false where it sends something instead. */
  public boolean closedByPeer() throws IOException {
    try {
      return in.read() < 0;
    } catch (SocketException e) {
      return true;
    }
  }

  /** The socket, for its options and addresses. */
  public Socket socket() {
    return socket;
  }

  /** Says that no more will be sent (FIN), and goes on reading. */
  public void halfClose() throws IOException {
    socket.shutdownOutput();
  }

  /** Drops the connection with a reset (RST). */
  public void reset() throws IOException {
    socket.setSoLinger(true, 0);
    socket.close();
  }

  /** Leaves as a browser does whose tab is shut: closes the connection (FIN) at once. */
  public void leave() throws IOException {
    socket.close();
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
