package io.llmguard.servlet.internal;

import java.io.FilterReader;
import java.io.IOException;
import java.io.Reader;

/** The same as {@link ReceivedStream}, as text. */
final class ReceivedReader extends FilterReader {
  private final Conversation conversation;

  ReceivedReader(Conversation conversation, Reader in) {
    super(in);
    this.conversation = conversation;
  }

  @Override
  public int read() throws IOException {
    try {
      return super.read();
    } catch (IOException e) {
      throw conversation.bodyBroke(e);
    }
  }

  @Override
  public int read(char[] into, int offset, int length) throws IOException {
    try {
      return super.read(into, offset, length);
    } catch (IOException e) {
      throw conversation.bodyBroke(e);
    }
  }
}
