package io.llmguard.servlet.internal;

import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import java.io.IOException;
import java.nio.ByteBuffer;

/** An output stream that reports each piece to the exchange before it passes it on. */
final class ReportingStream extends ServletOutputStream {
  private final GuardedResponse response;
  private final ServletOutputStream out;

  ReportingStream(GuardedResponse response, ServletOutputStream out) {
    this.response = response;
    this.out = out;
  }

  @Override
  public void write(int b) throws IOException {
    response.reportBytes(ByteBuffer.wrap(new byte[] {(byte) b}));
    try {
      out.write(b);
    } catch (IOException e) {
      throw gone(e);
    }
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    response.reportBytes(ByteBuffer.wrap(bytes, offset, length));
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      throw gone(e);
    }
  }

  /** Overrides the method that Servlet 6.1 added; before it, containers have one of their own. */
  @SuppressWarnings("MissingOverride") // compiled against 6.0, which has none
  public void write(ByteBuffer buffer) throws IOException {
    response.reportBytes(buffer);
    try {
      ByteBuffers.write(out, buffer);
    } catch (IOException e) {
      throw gone(e);
    }
  }

  @Override
  public void flush() throws IOException {
    response.reportHead();
    try {
      out.flush();
    } catch (IOException e) {
      throw gone(e);
    }
  }

  @Override
  public void close() throws IOException {
    response.reportHead();
    try {
      out.close();
    } catch (IOException e) {
      throw gone(e);
    }
  }

  @Override
  public boolean isReady() {
    return out.isReady();
  }

  @Override
  public void setWriteListener(WriteListener listener) {
    out.setWriteListener(
        new WriteListener() {
          @Override
          public void onWritePossible() throws IOException {
            listener.onWritePossible();
          }

          @Override
          public void onError(Throwable t) {
            response.clientGone();
            listener.onError(t);
          }
        });
  }

  private IOException gone(IOException e) {
    response.clientGone();
    return e;
  }
}
