package io.llmguard.ollama;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** The bytes of a picture (PNG, JPEG, WebP) for a multimodal model. Immutable. */
public final class Image {
  private final byte[] bytes;

  private Image(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Copies the bytes. */
  public static Image of(byte[] bytes) {
    return new Image(bytes.clone());
  }

  /**
   * Reads a file.
   *
   * @throws IOException where it cannot be read
   */
  public static Image of(Path file) throws IOException {
    return new Image(Files.readAllBytes(file));
  }

  /** A copy of the bytes. */
  public byte[] bytes() {
    return bytes.clone();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Image image && Arrays.equals(bytes, image.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** The size only. */
  @Override
  public String toString() {
    return "Image[" + bytes.length + " bytes]";
  }
}
