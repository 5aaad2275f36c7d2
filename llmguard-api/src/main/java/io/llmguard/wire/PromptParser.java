package io.llmguard.wire;

import static com.fasterxml.jackson.core.JsonToken.END_ARRAY;
import static com.fasterxml.jackson.core.JsonToken.START_ARRAY;
import static com.fasterxml.jackson.core.JsonToken.START_OBJECT;
import static com.fasterxml.jackson.core.JsonToken.VALUE_STRING;

import java.io.IOException;

/**
 * Reads the fields of a body that are its prompt, and finds in them what a server would fetch.
 *
 * <p>Each method that reads a value is called with the cursor at the value's first token and leaves
 * it at the last.
 */
final class PromptParser implements BodyCursor.Visitor {
  private final BodyCursor at;
  private final Operation operation;
  private final PromptText prompt;
  private boolean localMedia;
  private boolean remoteMedia;

  PromptParser(BodyCursor at, Operation operation) {
    this.at = at;
    this.operation = operation;
    this.prompt = new PromptText(at.body());
  }

  /** The prompt that was read so far. */
  PromptText prompt() {
    return prompt;
  }

  /** Whether a part names a file of the server. */
  boolean localMedia() {
    return localMedia;
  }

  /** Whether a part names another server. */
  boolean remoteMedia() {
    return remoteMedia;
  }

  /** Reads a field that is a part of the prompt, if it is one in this operation. */
  void read(Field field) throws IOException, BadBody {
    switch (operation) {
      case OLLAMA_GENERATE -> {
        switch (field) {
          case PROMPT -> inputs(false);
          case IMAGES -> images();
          default -> foreign();
        }
      }
      case OLLAMA_EMBEDDINGS -> take(field, Field.PROMPT);
      case OPENAI_COMPLETIONS -> take(field, Field.PROMPT);
      case OLLAMA_EMBED, OPENAI_EMBEDDINGS -> take(field, Field.INPUT);
      case OLLAMA_CHAT, OPENAI_CHAT -> take(field, Field.MESSAGES);
      case ANTHROPIC_MESSAGES -> {
        if (field == Field.SYSTEM) {
          system();
        } else {
          take(field, Field.MESSAGES);
        }
      }
      case OPENAI_RESPONSES -> {
        if (field == Field.INSTRUCTIONS) {
          system();
        } else {
          take(field, Field.INPUT);
        }
      }
      default -> foreign();
    }
  }

  private void take(Field field, Field wanted) throws IOException, BadBody {
    if (field != wanted) {
      foreign();
    } else if (field == Field.MESSAGES) {
      messages();
    } else if (operation != Operation.OPENAI_RESPONSES) {
      inputs(operation != Operation.OLLAMA_EMBEDDINGS);
    } else if (at.token() == VALUE_STRING) {
      prompt.userMessage();
      part();
    } else {
      messages();
    }
  }

  /**
   * Reads a field that is a prompt in other operations, where a server may read it all the same:
   * what it makes the server fetch counts, and no more.
   */
  private void foreign() throws IOException, BadBody {
    at.free(this);
  }

  @Override
  public boolean wants(String key) {
    String fold = FieldNames.fold(key);
    FieldNames.Entry part = KnownFields.PART.exact(fold);
    return fold.equals("url") || (part != null && part.field() == Field.MEDIA_URL);
  }

  @Override
  public void string(String url) {
    fetched(url.strip());
  }

  private void inputs(boolean arrays) throws IOException, BadBody {
    if (at.isNull()) {
      return;
    }
    if (at.token() == VALUE_STRING) {
      part();
      return;
    }
    if (!arrays) {
      throw at.wrongType("a string");
    }
    at.expect(START_ARRAY, "a string or an array");
    for (int i = 0; at.next() != END_ARRAY; i++) {
      if (at.token() == VALUE_STRING) {
        part();
      } else {
        at.path().push(i);
        int from = at.start();
        at.free();
        prompt.raw(from, at.end());
        at.path().pop();
      }
    }
  }

  private void system() throws IOException, BadBody {
    if (at.isNull()) {
      return;
    }
    prompt.systemMessage();
    content();
    prompt.endOfSystemMessage();
  }

  private void messages() throws IOException, BadBody {
    if (at.isNull()) {
      return;
    }
    at.expect(START_ARRAY, "an array");
    for (int i = 0; at.next() != END_ARRAY; i++) {
      at.path().push(i);
      at.expect(START_OBJECT, "an object");
      message();
      at.path().pop();
    }
  }

  private void message() throws IOException, BadBody {
    int message = prompt.message();
    BodyCursor.Scope scope = at.scope(KnownFields.MESSAGE);
    while (scope.next()) {
      at.next();
      at.path().push(scope.name);
      switch (scope.field) {
        case ROLE -> {
          if (!at.isNull()) {
            at.expect(VALUE_STRING, "a string");
            prompt.role(message, at.start(), at.end());
          }
        }
        case CONTENT -> content();
        case IMAGES -> images();
        default -> at.free();
      }
      at.path().pop();
    }
  }

  private void content() throws IOException, BadBody {
    if (at.isNull()) {
      return;
    }
    if (at.token() == VALUE_STRING) {
      part();
      return;
    }
    if (at.token() == START_OBJECT) {
      contentPart();
      return;
    }
    at.expect(START_ARRAY, "a string or an array");
    for (int i = 0; at.next() != END_ARRAY; i++) {
      at.path().push(i);
      if (at.token() == VALUE_STRING) {
        part();
      } else {
        at.expect(START_OBJECT, "an object");
        contentPart();
      }
      at.path().pop();
    }
  }

  private void contentPart() throws IOException, BadBody {
    BodyCursor.Scope scope = at.scope(KnownFields.PART);
    while (scope.next()) {
      at.next();
      at.path().push(scope.name);
      switch (scope.field) {
        case TEXT -> {
          if (!at.isNull()) {
            at.expect(VALUE_STRING, "a string");
            part();
          }
        }
        case MEDIA_URL -> mediaUrl();
        case MEDIA_SOURCE -> mediaSource();
        case CONTENT -> content();
        default -> at.free();
      }
      at.path().pop();
    }
  }

  /** Reads {@code image_url} and its like: a URL, or an object that holds one. */
  private void mediaUrl() throws IOException, BadBody {
    if (at.token() == START_OBJECT) {
      mediaObject();
    } else if (!at.isNull()) {
      url();
    }
  }

  /** Reads {@code source}: of an image an object, of anything else what it likes. */
  private void mediaSource() throws IOException, BadBody {
    if (at.token() == START_OBJECT) {
      mediaObject();
    } else {
      at.free();
    }
  }

  private void mediaObject() throws IOException, BadBody {
    BodyCursor.Scope scope = at.scope(KnownFields.MEDIA);
    while (scope.next()) {
      at.next();
      at.path().push(scope.name);
      switch (scope.field) {
        case URL -> {
          if (!at.isNull()) {
            url();
          }
        }
        case DATA -> {
          if (!at.isNull()) {
            at.expect(VALUE_STRING, "a string");
            image();
          }
        }
        case CONTENT -> content();
        default -> at.free();
      }
      at.path().pop();
    }
  }

  private void url() throws IOException, BadBody {
    at.expect(VALUE_STRING, "a string");
    image();
    int from = at.start() + 1;
    if (JsonText.is(at.body(), from, Math.min(from + 5, at.body().length), "data:")) {
      return;
    }
    fetched(at.tokenText().strip());
  }

  private void fetched(String url) {
    if (url.regionMatches(true, 0, "data:", 0, 5)) {
      return;
    }
    if (url.regionMatches(true, 0, "http:", 0, 5) || url.regionMatches(true, 0, "https:", 0, 6)) {
      remoteMedia = true;
    } else if (!url.isEmpty()) {
      localMedia = true;
    }
  }

  private void images() throws IOException, BadBody {
    if (at.isNull()) {
      return;
    }
    at.expect(START_ARRAY, "an array");
    while (at.next() != END_ARRAY) {
      at.expect(VALUE_STRING, "an array of strings");
      if (operation == Operation.OLLAMA_GENERATE) {
        // there the hash is that of the prompt alone
        prompt.imageBeside(at.start(), at.end());
      } else {
        image();
      }
    }
  }

  private void part() {
    prompt.part(at.start(), at.end());
  }

  private void image() {
    prompt.image(at.start(), at.end());
  }
}
