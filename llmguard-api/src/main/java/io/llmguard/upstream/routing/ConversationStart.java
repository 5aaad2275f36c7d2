package io.llmguard.upstream.routing;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/**
 * Tells conversations apart by what every turn repeats: the system prompt and the messages up to
 * the user's first one.
 */
final class ConversationStart {
  private static final JsonFactory JSON =
      JsonFactory.builder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES).build();

  /** A prompt that is a plain string is the same conversation if it begins with the same. */
  private static final int PREFIX = 512;

  private ConversationStart() {}

  /** A digest of how the conversation begins, or null where the body has no prompt. */
  static @Nullable String digest(byte[] body) {
    MessageDigest digest = sha256();
    boolean any = false;
    try (JsonParser parser = JSON.createParser(body)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return null;
      }
      for (String key; (key = parser.nextFieldName()) != null; ) {
        JsonToken value = parser.nextToken();
        switch (key) {
          case "system", "instructions", "prompt", "messages", "input" -> {
            digest.update(key.getBytes(StandardCharsets.UTF_8));
            if (value == JsonToken.VALUE_STRING) {
              text(parser, digest);
              any = true;
            } else if (value == JsonToken.START_ARRAY) {
              any |= messages(parser, body, digest);
            } else {
              parser.skipChildren();
            }
          }
          default -> parser.skipChildren();
        }
      }
    } catch (IOException e) {
      return null;
    }
    return any ? HexFormat.of().formatHex(digest.digest(), 0, 16) : null;
  }

  private static void text(JsonParser parser, MessageDigest digest) throws IOException {
    String text = parser.getText();
    digest.update(
        text.substring(0, Math.min(PREFIX, text.length())).getBytes(StandardCharsets.UTF_8));
  }

  /** Takes the messages' very bytes up to the end of the first one of a user. */
  private static boolean messages(JsonParser parser, byte[] body, MessageDigest digest)
      throws IOException {
    boolean user = false;
    boolean any = false;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (user || parser.currentToken() != JsonToken.START_OBJECT) {
        parser.skipChildren();
        continue;
      }
      int start = (int) parser.currentTokenLocation().getByteOffset();
      for (String key; (key = parser.nextFieldName()) != null; ) {
        parser.nextToken();
        user |= key.equals("role") && "user".equals(parser.getValueAsString());
        parser.skipChildren();
      }
      int end = (int) parser.currentLocation().getByteOffset();
      digest.update(body, start, end - start);
      any = true;
    }
    return any;
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }
}
