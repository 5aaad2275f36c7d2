package io.llmguard.audit.internal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.audit.Durability;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps an {@link AuditHead} in a small file of two lines that are written in turn, so that a crash
 * while one is written leaves the other. Not thread-safe.
 */
public final class HeadFile implements AutoCloseable {
  private static final int SLOT = 2048;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final FileChannel channel;
  private long sequence;

  private HeadFile(FileChannel channel, long sequence) {
    this.channel = channel;
    this.sequence = sequence;
  }

  private record Slot(long sequence, AuditHead head) {}

  /** Opens the file for writing, and makes it where it is missing. */
  static HeadFile open(Path file) throws IOException {
    Slot newest = newest(file);
    FileChannel channel =
        FileChannel.open(
            file,
            Set.of(StandardOpenOption.WRITE, StandardOpenOption.CREATE),
            Permissions.ownerOnly(file));
    return new HeadFile(channel, newest == null ? 0 : newest.sequence());
  }

  /** The head in the file, or null where there is none or none that can be read. */
  public static @Nullable AuditHead read(Path file) throws IOException {
    Slot newest = newest(file);
    return newest == null ? null : newest.head();
  }

  private static @Nullable Slot newest(Path file) throws IOException {
    byte[] content;
    try {
      content = Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      return null;
    }
    Slot first = slot(content, 0);
    Slot second = slot(content, SLOT);
    if (first == null || second == null) {
      return first == null ? second : first;
    }
    return first.sequence() > second.sequence() ? first : second;
  }

  private static @Nullable Slot slot(byte[] content, int from) {
    if (content.length < from + SLOT) {
      return null;
    }
    try {
      JsonNode json = JSON.readTree(content, from, SLOT);
      if (!(json instanceof ObjectNode fields)) {
        return null;
      }
      JsonNode sum = fields.remove("sum");
      if (sum == null || !sum.asText().equals(sumOf(fields))) {
        return null;
      }
      return new Slot(
          fields.path("sequence").asLong(),
          new AuditHead(
              fields.path("count").asLong(),
              fields.path("hash").asText(),
              fields.path("file").asText(),
              fields.path("rotations").asLong(),
              fields.path("open").asBoolean(),
              fields.path("owner").asText()));
    } catch (IOException e) {
      // a line that a crash left half written
      return null;
    }
  }

  private static String sumOf(ObjectNode fields) {
    byte[] text = fields.toString().getBytes(StandardCharsets.UTF_8);
    return new ChainDigest().hash(text, 0, text.length);
  }

  void write(AuditHead head, Durability durability) throws IOException {
    long next = sequence + 1;
    ObjectNode fields =
        JSON.createObjectNode()
            .put("sequence", next)
            .put("count", head.count())
            .put("hash", head.hash())
            .put("file", head.file())
            .put("rotations", head.rotations())
            .put("open", head.open())
            .put("owner", head.owner());
    fields.put("sum", sumOf(fields));
    byte[] text = JSON.writeValueAsBytes(fields);
    if (text.length >= SLOT) {
      throw new IOException("the name of the audit file is too long for the head: " + head.file());
    }
    byte[] slot = Arrays.copyOf(text, SLOT);
    Arrays.fill(slot, text.length, SLOT - 1, (byte) ' ');
    slot[SLOT - 1] = '\n';
    ByteBuffer bytes = ByteBuffer.wrap(slot);
    long position = (next % 2) * SLOT;
    if (position > channel.size()) {
      // the very first line stands second: the place before it is filled up
      channel.write(ByteBuffer.wrap(blank()), 0);
    }
    while (bytes.hasRemaining()) {
      position += channel.write(bytes, position);
    }
    if (durability == Durability.FSYNC) {
      channel.force(false);
    }
    sequence = next;
  }

  private static byte[] blank() {
    byte[] slot = new byte[SLOT];
    Arrays.fill(slot, (byte) ' ');
    slot[SLOT - 1] = '\n';
    return slot;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
