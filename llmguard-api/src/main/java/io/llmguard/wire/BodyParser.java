package io.llmguard.wire;

import static com.fasterxml.jackson.core.JsonToken.END_ARRAY;
import static com.fasterxml.jackson.core.JsonToken.END_OBJECT;
import static com.fasterxml.jackson.core.JsonToken.FIELD_NAME;
import static com.fasterxml.jackson.core.JsonToken.START_ARRAY;
import static com.fasterxml.jackson.core.JsonToken.START_OBJECT;
import static com.fasterxml.jackson.core.JsonToken.VALUE_FALSE;
import static com.fasterxml.jackson.core.JsonToken.VALUE_NULL;
import static com.fasterxml.jackson.core.JsonToken.VALUE_STRING;
import static com.fasterxml.jackson.core.JsonToken.VALUE_TRUE;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads one body.
 *
 * <p>Each method that reads a value is called with the parser at the value's first token and leaves
 * it at the last.
 */
final class BodyParser {
  private static final int MAX_NAME = 512;

  /** The most fields of the body itself, or of its options: each is looked for among all. */
  private static final int MAX_MEMBERS = 256;

  private final JsonParser parser;
  private final byte[] body;
  private final Operation operation;
  private final PromptHasher hasher;
  private final PromptText prompt;
  private final Path path = new Path();

  /** The bytes of the current token; after a value was read, {@code end} is the value's end. */
  private int start;

  private int end;

  private @Nullable String model;
  private @Nullable String name;
  private @Nullable String source;
  private @Nullable String destination;
  private @Nullable String from;
  private @Nullable Boolean stream;
  private boolean outputLimited;
  private boolean outputEndless;
  private long maxOutput;
  private int choices = 1;
  private @Nullable Long contextTokens;
  private boolean includeUsage;
  private boolean localMedia;
  private boolean remoteMedia;
  private boolean serverTools;
  private @Nullable String user;
  private @Nullable Members options;
  private @Nullable Members streamOptions;

  BodyParser(JsonParser parser, byte[] body, Operation operation, PromptHasher hasher) {
    this.parser = parser;
    this.body = body;
    this.operation = operation;
    this.hasher = hasher;
    this.prompt = new PromptText(body);
  }

  CheckedBody read() throws IOException, BadBody {
    if (next() != START_OBJECT) {
      throw bad("invalid-json", "the body is not one valid JSON object");
    }
    Members root = root();
    if (next() != null) {
      throw bad("invalid-json", "something stands after the body's object");
    }
    return new CheckedBody(body, call(), root, options, streamOptions);
  }

  // ---- the body itself

  private Members root() throws IOException, BadBody {
    Scope scope = new Scope(KnownFields.of(operation));
    Members members = new Members(start);
    while (scope.next()) {
      int keyStart = start;
      next();
      int valueStart = start;
      path.push(scope.name);
      root(scope.field);
      path.pop();
      add(members, scope.key, keyStart, valueStart);
    }
    return members;
  }

  private void root(Field field) throws IOException, BadBody {
    switch (field) {
      case MODEL -> model = modelName();
      case NAME -> name = modelName();
      case SOURCE -> source = modelName();
      case DESTINATION -> destination = modelName();
      case FROM -> from = modelName();
      case STREAM -> stream = flag();
      case INSECURE -> flag();
      case STREAM_OPTIONS -> streamOptions = object(KnownFields.STREAM_OPTIONS);
      case OPTIONS -> options = object(KnownFields.OPTIONS);
      case OUTPUT_LIMIT -> outputLimit();
      case CHOICES -> choices = Math.max(choices, choices());
      case LOGPROBS -> logprobs();
      case TOP_LOGPROBS -> number();
      case KEEP_ALIVE -> keepAlive();
      case USER -> user = text();
      case PROMPT, INPUT, MESSAGES, SYSTEM, INSTRUCTIONS, IMAGES -> prompt(field);
      case TOOLS -> tools();
      case SERVER_TOOL -> {
        serverTools |= parser.currentToken() != VALUE_NULL;
        free();
      }
      default -> free();
    }
  }

  /** Reads {@code options} or {@code stream_options}; null for a null. */
  private @Nullable Members object(FieldNames names) throws IOException, BadBody {
    if (isNull()) {
      return null;
    }
    expect(START_OBJECT, "an object");
    Scope scope = new Scope(names);
    Members members = new Members(start);
    while (scope.next()) {
      int keyStart = start;
      next();
      int valueStart = start;
      path.push(scope.name);
      switch (scope.field) {
        case OUTPUT_LIMIT -> outputLimit();
        case CONTEXT_LIMIT -> contextTokens = number();
        case INCLUDE_USAGE -> includeUsage = Boolean.TRUE.equals(flag());
        default -> free();
      }
      path.pop();
      add(members, scope.key, keyStart, valueStart);
    }
    return members;
  }

  private void add(Members members, String key, int keyStart, int valueStart) throws BadBody {
    if (members.size() == MAX_MEMBERS) {
      throw bad("invalid-field", "an object has more than " + MAX_MEMBERS + " fields");
    }
    members.add(key, keyStart, valueStart, end);
  }

  // ---- prompts

  /** Reads a field that is a part of the prompt, if it is one in this operation. */
  private void prompt(Field field) throws IOException, BadBody {
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
    } else if (parser.currentToken() == VALUE_STRING) {
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
    if (parser.currentToken().isStructStart()) {
      media(false);
      end = (int) parser.currentLocation().getByteOffset();
    }
  }

  /**
   * Reads a value of any shape.
   *
   * @param url whether its strings are URLs of media
   */
  private void media(boolean url) throws IOException, BadBody {
    JsonToken token = parser.currentToken();
    if (token == START_OBJECT) {
      Keys keys = new Keys();
      for (String key; (key = parser.nextFieldName()) != null; ) {
        String fold = FieldNames.fold(key);
        if (!keys.add(key)) {
          throw new BadBody(malformed("duplicate-key", "a key comes twice in one object"));
        }
        FieldNames.Entry part = KnownFields.PART.exact(fold);
        parser.nextToken();
        media(fold.equals("url") || (part != null && part.field() == Field.MEDIA_URL));
      }
    } else if (token == START_ARRAY) {
      while (parser.nextToken() != END_ARRAY) {
        media(url);
      }
    } else if (url && token == VALUE_STRING) {
      fetched(parser.getText().strip());
    }
  }

  private void inputs(boolean arrays) throws IOException, BadBody {
    if (isNull()) {
      return;
    }
    if (parser.currentToken() == VALUE_STRING) {
      part();
      return;
    }
    if (!arrays) {
      throw wrongType("a string");
    }
    expect(START_ARRAY, "a string or an array");
    for (int i = 0; next() != END_ARRAY; i++) {
      if (parser.currentToken() == VALUE_STRING) {
        part();
      } else {
        path.push(i);
        int from = start;
        free();
        prompt.raw(from, end);
        path.pop();
      }
    }
  }

  private void system() throws IOException, BadBody {
    if (isNull()) {
      return;
    }
    prompt.systemMessage();
    content();
    prompt.endOfSystemMessage();
  }

  private void messages() throws IOException, BadBody {
    if (isNull()) {
      return;
    }
    expect(START_ARRAY, "an array");
    for (int i = 0; next() != END_ARRAY; i++) {
      path.push(i);
      expect(START_OBJECT, "an object");
      message();
      path.pop();
    }
  }

  private void message() throws IOException, BadBody {
    int message = prompt.message();
    Scope scope = new Scope(KnownFields.MESSAGE);
    while (scope.next()) {
      next();
      path.push(scope.name);
      switch (scope.field) {
        case ROLE -> {
          if (!isNull()) {
            expect(VALUE_STRING, "a string");
            prompt.role(message, start, end);
          }
        }
        case CONTENT -> content();
        case IMAGES -> images();
        default -> free();
      }
      path.pop();
    }
  }

  private void content() throws IOException, BadBody {
    if (isNull()) {
      return;
    }
    if (parser.currentToken() == VALUE_STRING) {
      part();
      return;
    }
    if (parser.currentToken() == START_OBJECT) {
      contentPart();
      return;
    }
    expect(START_ARRAY, "a string or an array");
    for (int i = 0; next() != END_ARRAY; i++) {
      path.push(i);
      if (parser.currentToken() == VALUE_STRING) {
        part();
      } else {
        expect(START_OBJECT, "an object");
        contentPart();
      }
      path.pop();
    }
  }

  private void contentPart() throws IOException, BadBody {
    Scope scope = new Scope(KnownFields.PART);
    while (scope.next()) {
      next();
      path.push(scope.name);
      switch (scope.field) {
        case TEXT -> {
          if (!isNull()) {
            expect(VALUE_STRING, "a string");
            part();
          }
        }
        case MEDIA_URL -> mediaUrl();
        case MEDIA_SOURCE -> mediaSource();
        case CONTENT -> content();
        default -> free();
      }
      path.pop();
    }
  }

  /** Reads {@code image_url} and its like: a URL, or an object that holds one. */
  private void mediaUrl() throws IOException, BadBody {
    if (parser.currentToken() == START_OBJECT) {
      mediaObject();
    } else if (!isNull()) {
      url();
    }
  }

  /** Reads {@code source}: of an image an object, of anything else what it likes. */
  private void mediaSource() throws IOException, BadBody {
    if (parser.currentToken() == START_OBJECT) {
      mediaObject();
    } else {
      free();
    }
  }

  private void mediaObject() throws IOException, BadBody {
    Scope scope = new Scope(KnownFields.MEDIA);
    while (scope.next()) {
      next();
      path.push(scope.name);
      switch (scope.field) {
        case URL -> {
          if (!isNull()) {
            url();
          }
        }
        case DATA -> {
          if (!isNull()) {
            expect(VALUE_STRING, "a string");
            image();
          }
        }
        case CONTENT -> content();
        default -> free();
      }
      path.pop();
    }
  }

  private void url() throws IOException, BadBody {
    expect(VALUE_STRING, "a string");
    image();
    if (JsonText.is(body, start + 1, Math.min(start + 6, body.length), "data:")) {
      return;
    }
    fetched(parser.getText().strip());
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
    if (isNull()) {
      return;
    }
    expect(START_ARRAY, "an array");
    while (next() != END_ARRAY) {
      expect(VALUE_STRING, "an array of strings");
      if (operation == Operation.OLLAMA_GENERATE) {
        // there the hash is that of the prompt alone
        prompt.imageBeside(start, end);
      } else {
        image();
      }
    }
  }

  private void part() {
    prompt.part(start, end);
  }

  private void image() {
    prompt.image(start, end);
  }

  // ---- tools

  private void tools() throws IOException, BadBody {
    if (isNull()) {
      return;
    }
    expect(START_ARRAY, "an array");
    for (int i = 0; next() != END_ARRAY; i++) {
      path.push(i);
      expect(START_OBJECT, "an object");
      Scope scope = new Scope(KnownFields.TOOL);
      while (scope.next()) {
        next();
        path.push(scope.name);
        if (scope.field == Field.TYPE) {
          String type = text();
          serverTools |= type != null && !KnownFields.runsAtClient(type);
        } else {
          free();
        }
        path.pop();
      }
      path.pop();
    }
  }

  // ---- scalars

  private boolean isNull() {
    return parser.currentToken() == VALUE_NULL;
  }

  private @Nullable Boolean flag() throws BadBody {
    if (isNull()) {
      return null;
    }
    JsonToken token = parser.currentToken();
    if (token != VALUE_TRUE && token != VALUE_FALSE) {
      throw wrongType("true or false");
    }
    return token == VALUE_TRUE;
  }

  private @Nullable Long number() throws BadBody {
    if (isNull()) {
      return null;
    }
    if (!parser.currentToken().isNumeric()) {
      throw wrongType("a number");
    }
    return JsonText.number(body, start, end);
  }

  private void outputLimit() throws BadBody {
    Long value = number();
    if (value == null) {
      return;
    }
    outputLimited = true;
    if (value <= 0 || value == Long.MAX_VALUE) {
      outputEndless = true;
    } else {
      maxOutput = Math.max(maxOutput, value);
    }
  }

  private int choices() throws BadBody {
    Long value = number();
    return value == null ? 1 : (int) Math.max(1, Math.min(value, Integer.MAX_VALUE));
  }

  private void logprobs() throws BadBody {
    JsonToken token = parser.currentToken();
    if (token != VALUE_TRUE && token != VALUE_FALSE) {
      number();
    }
  }

  private void keepAlive() throws BadBody {
    if (parser.currentToken() != VALUE_STRING) {
      number();
    }
  }

  private @Nullable String text() throws IOException, BadBody {
    if (isNull()) {
      return null;
    }
    expect(VALUE_STRING, "a string");
    return parser.getText();
  }

  private String modelName() throws IOException, BadBody {
    if (parser.currentToken() != VALUE_STRING) {
      throw bad("model-missing", "the model's name must be a string");
    }
    String value = parser.getText();
    // Ollama trims a name and its tag, so another spelling would be the same model
    if (value.length() > MAX_NAME
        || Unicode.hasLoneSurrogate(value)
        || Unicode.hasInvisible(value)) {
      throw bad("invalid-field", "this is no model's name");
    }
    return value;
  }

  // ---- values that policy does not read

  private void free() throws IOException, BadBody {
    if (parser.currentToken().isStructStart()) {
      skip();
      end = (int) parser.currentLocation().getByteOffset();
    }
  }

  private void skip() throws IOException, BadBody {
    JsonToken token = parser.currentToken();
    if (token == START_OBJECT) {
      Keys keys = new Keys();
      for (String key; (key = parser.nextFieldName()) != null; ) {
        if (!keys.add(key)) {
          throw new BadBody(malformed("duplicate-key", "a key comes twice in one object"));
        }
        parser.nextToken();
        skip();
      }
    } else if (token == START_ARRAY) {
      while (parser.nextToken() != END_ARRAY) {
        skip();
      }
    }
  }

  // ---- places

  /** Goes to the next token; null at the body's end. */
  private @Nullable JsonToken next() throws IOException {
    JsonToken token = parser.nextToken();
    if (token != null) {
      locate(token);
    }
    return token;
  }

  /**
   * Finds where the current token stands, from where the one before ended: the parser knows it too,
   * but not without an object for each answer.
   */
  private void locate(JsonToken token) throws IOException {
    int i = end;
    while (i < body.length && isBetween(body[i])) {
      i++;
    }
    start = i;
    if (token == VALUE_STRING || token == FIELD_NAME) {
      end = JsonText.stringEnd(body, i);
    } else if (token.isNumeric()) {
      // the parser keeps a number's text as it stands
      end = i + parser.getTextLength();
    } else if (token.isScalarValue()) {
      end = i + (token == VALUE_FALSE ? 5 : 4);
    } else {
      end = i + 1;
    }
  }

  private static boolean isBetween(byte b) {
    return b == ' ' || b == ',' || b == ':' || b == '\n' || b == '\r' || b == '\t';
  }

  private void expect(JsonToken token, String what) throws BadBody {
    if (parser.currentToken() != token) {
      throw wrongType(what);
    }
  }

  private BadBody wrongType(String what) {
    return bad("invalid-field", "a field must be " + what);
  }

  private BadBody bad(String reason, String detail) {
    return new BadBody(new MalformedBody(reason, detail, start, path.toString()));
  }

  /** The body is malformed where the parser stands. */
  MalformedBody malformed(String reason, String detail) {
    long offset = parser.currentLocation().getByteOffset();
    return new MalformedBody(reason, detail, offset, path.toString());
  }

  /** The keys of an object that policy reads. */
  private final class Scope {
    private final FieldNames names;
    private long seen;
    private @Nullable Keys folded;
    String key = "";

    /** The key where it is a known one, else a star: what a path may show. */
    String name = "*";

    Field field = Field.SKIPPED;

    Scope(FieldNames names) {
      this.names = names;
    }

    /** Goes to the next key; false at the object's end. */
    boolean next() throws IOException, BadBody {
      String next = parser.nextFieldName();
      locate(parser.currentToken());
      if (next == null) {
        if (parser.currentToken() != END_OBJECT) {
          throw bad("invalid-json", "the body is not one valid JSON object");
        }
        return false;
      }
      key = next;
      FieldNames.Entry entry = names.exact(next);
      if (entry == null) {
        unknown(next);
        return true;
      }
      name = entry.name();
      field = entry.field();
      long bit = 1L << entry.bit();
      if ((seen & bit) != 0) {
        path.push(name);
        throw bad("duplicate-key", "a field comes twice in one object");
      }
      seen |= bit;
      return true;
    }

    private void unknown(String next) throws BadBody {
      name = "*";
      field = names.unknownField();
      String fold = FieldNames.fold(next);
      FieldNames.Entry alike = names.exact(fold);
      if (alike != null) {
        path.push(alike.name());
        throw bad("ambiguous-key", "a field's name is spelled in another case");
      }
      if (folded == null) {
        folded = new Keys();
      }
      if (!folded.add(fold)) {
        throw bad("duplicate-key", "a key comes twice in one object, or in another case");
      }
    }
  }

  // ---- the outcome

  private Call call() throws BadBody {
    String called = calledModel();
    PromptDigest digest = null;
    Operation.Kind kind = operation.kind();
    if (kind == Operation.Kind.GENERATION || kind == Operation.Kind.EMBEDDING) {
      digest = prompt.digest(hasher);
    }
    return new Call(
        operation,
        called,
        stream != null ? stream : streamsByDefault(),
        digest,
        outputLimited && !outputEndless ? maxOutput : null,
        details(kind == Operation.Kind.GENERATION && prompt.isEmpty()));
  }

  private CallDetails details(boolean loadOnly) {
    long template = 8L * prompt.messages() + 8;
    // tools and schemas are part of the prompt: whatever is no image counts
    long text = body.length - prompt.imageBytes();
    return new CallDetails(
        models(),
        prompt.bytes() / 4 + template / 2 + 768L * prompt.images(),
        Math.max(text, prompt.bytes()) + template + 4_096L * prompt.images(),
        choices,
        contextTokens,
        loadOnly,
        includeUsage,
        localMedia,
        remoteMedia,
        serverTools,
        user);
  }

  private List<String> models() {
    if (name == null && source == null && destination == null && from == null) {
      return model == null || model.isEmpty() ? List.of() : List.of(model);
    }
    List<String> models = new ArrayList<>();
    for (String each : new @Nullable String[] {model, name, source, destination, from}) {
      if (each != null && !each.isEmpty() && !models.contains(each)) {
        models.add(each);
      }
    }
    return models;
  }

  private boolean streamsByDefault() {
    return operation == Operation.OLLAMA_GENERATE
        || operation == Operation.OLLAMA_CHAT
        || operation == Operation.OLLAMA_PROGRESS;
  }

  private @Nullable String calledModel() throws BadBody {
    if (model != null && name != null && !model.equals(name)) {
      throw new BadBody(
          new MalformedBody("invalid-field", "model and name must be the same", 0, "$.name"));
    }
    String called = model != null ? model : name != null ? name : source;
    boolean needed =
        switch (operation.kind()) {
          case GENERATION, EMBEDDING, MODEL_INFO -> true;
          case MANAGEMENT -> operation == Operation.OLLAMA_PROGRESS;
          default -> false;
        };
    if (needed && (called == null || called.isEmpty())) {
      throw new BadBody(
          new MalformedBody("model-missing", "the body names no model", 0, "$.model"));
    }
    return called == null || called.isEmpty() ? null : called;
  }

  /** Where the reading stands. */
  private static final class Path {
    private @Nullable String[] names = new @Nullable String[6];
    private int[] indices = new int[6];
    private int depth;

    void push(String name) {
      grow();
      names[depth++] = name;
    }

    void push(int index) {
      grow();
      names[depth] = null;
      indices[depth++] = index;
    }

    private void grow() {
      if (depth == names.length) {
        names = Arrays.copyOf(names, 2 * depth);
        indices = Arrays.copyOf(indices, 2 * depth);
      }
    }

    void pop() {
      depth--;
    }

    @Override
    public String toString() {
      StringBuilder text = new StringBuilder("$");
      for (int i = 0; i < depth; i++) {
        String name = names[i];
        if (name == null) {
          text.append('[').append(indices[i]).append(']');
        } else {
          text.append('.').append(name);
        }
      }
      return text.toString();
    }
  }
}
