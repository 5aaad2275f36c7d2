package io.llmguard.servlet.internal;

import io.llmguard.Exchange;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.http.HttpServletResponse;
import jakarta.servlet.http.HttpServletResponseWrapper;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.charset.Charset;
import org.jspecify.annotations.Nullable;

/** The answer as the chain behind the guards writes it; its bytes are reported as they pass. */
final class GuardedResponse extends HttpServletResponseWrapper {
  private final Conversation conversation;
  private @Nullable ReportingStream stream;
  private @Nullable PrintWriter writer;
  private boolean headReported;

  GuardedResponse(Conversation conversation, HttpServletResponse response) {
    super(response);
    this.conversation = conversation;
  }

  private HttpServletResponse raw() {
    return conversation.rawResponse();
  }

  /** Reports the head unless it was. */
  void reportHead() {
    Exchange exchange = conversation.exchange();
    if (!headReported && exchange != null) {
      headReported = true;
      exchange.onResponseHead(raw().getStatus(), new ResponseHeaders(raw()));
    }
  }

  void reportBytes(ByteBuffer bytes) {
    reportHead();
    Exchange exchange = conversation.exchange();
    if (exchange != null) {
      exchange.onResponseBytes(bytes);
    }
  }

  void clientGone() {
    conversation.clientGone();
  }

  @Override
  public ServletOutputStream getOutputStream() throws IOException {
    if (writer != null) {
      throw new IllegalStateException("getWriter was called");
    }
    return stream();
  }

  private ReportingStream stream() throws IOException {
    if (conversation.awaitingDispatch()) {
      throw new IllegalStateException(
          "a guard waits for its dispatch, but it is not mapped to ASYNC");
    }
    ReportingStream reporting = stream;
    if (reporting == null) {
      reporting = new ReportingStream(this, super.getOutputStream());
      stream = reporting;
    }
    return reporting;
  }

  @Override
  public PrintWriter getWriter() throws IOException {
    if (writer == null) {
      if (stream != null) {
        throw new IllegalStateException("getOutputStream was called");
      }
      // said aloud, because the container itself does not know that characters are written
      setCharacterEncoding(getCharacterEncoding());
      writer =
          new PrintWriter(new EncodingWriter(stream(), Charset.forName(getCharacterEncoding())));
    }
    return writer;
  }

  @Override
  public void flushBuffer() throws IOException {
    reportHead();
    try {
      super.flushBuffer();
    } catch (IOException e) {
      clientGone();
      throw e;
    }
  }

  @Override
  public void reset() {
    super.reset();
    // what was reported has not been sent; the next head counts
    headReported = false;
    stream = null;
    writer = null;
  }

  @Override
  public void resetBuffer() {
    super.resetBuffer();
    headReported = false;
  }
}
