package io.llmguard.servlet.internal;

import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import java.io.IOException;

/** A body that no guard has read, as the application reads it; tells when it breaks off. */
final class ReceivedStream extends ServletInputStream {
  private final Conversation conversation;
  private final ServletInputStream in;

  ReceivedStream(Conversation conversation, ServletInputStream in) {
    this.conversation = conversation;
    this.in = in;
  }

  @Override
  public int read() throws IOException {
    try {
      return in.read();
    } catch (IOException e) {
      throw conversation.bodyBroke(e);
    }
  }

  @Override
  public int read(byte[] into, int offset, int length) throws IOException {
    try {
      return in.read(into, offset, length);
    } catch (IOException e) {
      throw conversation.bodyBroke(e);
    }
  }

  @Override
  public int available() throws IOException {
    return in.available();
  }

  @Override
  public boolean isFinished() {
    return in.isFinished();
  }

  @Override
  public boolean isReady() {
    return in.isReady();
  }

  @Override
  public void setReadListener(ReadListener listener) {
    in.setReadListener(
        new ReadListener() {
          @Override
          public void onDataAvailable() throws IOException {
            listener.onDataAvailable();
          }

          @Override
          public void onAllDataRead() throws IOException {
            listener.onAllDataRead();
          }

          @Override
          public void onError(Throwable t) {
            if (t instanceof IOException e) {
              IOException unused = conversation.bodyBroke(e);
            }
            listener.onError(t);
          }
        });
  }

  @Override
  public void close() throws IOException {
    in.close();
  }
}
