package io.llmguard.servlet.internal;

import java.io.IOException;
import java.io.OutputStream;
import java.io.Writer;
import java.nio.charset.Charset;

/**
 * Encodes characters at once, so that nothing is left behind where nobody flushes: of an answer
 * that ends asynchronously the container closes the stream, not this writer.
 */
final class EncodingWriter extends Writer {
  private final OutputStream out;
  private final Charset charset;
  private char highSurrogate;

  EncodingWriter(OutputStream out, Charset charset) {
    this.out = out;
    this.charset = charset;
  }

  @Override
  public void write(char[] chars, int offset, int length) throws IOException {
    write(new String(chars, offset, length));
  }

  @Override
  public void write(String text, int offset, int length) throws IOException {
    write(text.substring(offset, offset + length));
  }

  @Override
  public void write(String text) throws IOException {
    if (text.isEmpty()) {
      return;
    }
    String whole = highSurrogate == 0 ? text : highSurrogate + text;
    highSurrogate = 0;
    int end = whole.length();
    if (Character.isHighSurrogate(whole.charAt(end - 1))) {
      highSurrogate = whole.charAt(--end);
    }
    byte[] bytes = whole.substring(0, end).getBytes(charset);
    out.write(bytes, 0, bytes.length);
  }

  @Override
  public void flush() throws IOException {
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
