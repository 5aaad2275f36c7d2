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
 * The text with which a call's prompt begins and which it shares with others: {@code system},
 * {@code instructions}, and the messages before the first one that is neither of the system nor of
 * the developer.
 */
final class SystemPrompt {
  private static final JsonFactory JSON =
      JsonFactory.builder().disable(JsonFactory.Feature.INTERN_FIELD_NAMES).build();

  private final StringBuilder text = new StringBuilder();

  private SystemPrompt() {}

  /** A digest of it, or null where the body has none. */
  static @Nullable String digest(byte[] body) {
    SystemPrompt prompt = new SystemPrompt();
    try (JsonParser parser = JSON.createParser(body)) {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        return null;
      }
      for (String key; (key = parser.nextFieldName()) != null; ) {
        parser.nextToken();
        switch (key) {
          case "system", "instructions" -> prompt.content(parser);
          case "messages", "input" -> prompt.messages(parser);
          default -> parser.skipChildren();
        }
      }
    } catch (IOException e) {
      return null;
    }
    return prompt.text.isEmpty() ? null : sha256(prompt.text.toString());
  }

  private void messages(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_ARRAY) {
      parser.skipChildren();
      return;
    }
    boolean leading = true;
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (!leading || parser.currentToken() != JsonToken.START_OBJECT) {
        leading = false;
        parser.skipChildren();
      } else {
        leading = message(parser);
      }
    }
  }

  /** Takes a message's text if it belongs here; false if it is the first that does not. */
  private boolean message(JsonParser parser) throws IOException {
    int before = text.length();
    boolean system = false;
    for (String key; (key = parser.nextFieldName()) != null; ) {
      parser.nextToken();
      switch (key) {
        case "role" -> {
          String role = parser.getValueAsString("");
          system = role.equals("system") || role.equals("developer");
          parser.skipChildren();
        }
        case "content" -> content(parser);
        default -> parser.skipChildren();
      }
    }
    if (!system) {
      text.setLength(before);
    }
    return system;
  }

  /** Takes a string, or the {@code text} of each part of an array. */
  private void content(JsonParser parser) throws IOException {
    if (parser.currentToken() == JsonToken.VALUE_STRING) {
      text.append(parser.getText()).append('\n');
    } else if (parser.currentToken() == JsonToken.START_ARRAY) {
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        part(parser);
      }
    } else {
      parser.skipChildren();
    }
  }

  private void part(JsonParser parser) throws IOException {
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      parser.skipChildren();
      return;
    }
    for (String key; (key = parser.nextFieldName()) != null; ) {
      if (parser.nextToken() == JsonToken.VALUE_STRING && key.equals("text")) {
        text.append(parser.getText()).append('\n');
      } else {
        parser.skipChildren();
      }
    }
  }

  private static String sha256(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }
}
