package io.llmguard.wire;

import static com.fasterxml.jackson.core.JsonToken.END_ARRAY;
import static com.fasterxml.jackson.core.JsonToken.START_ARRAY;
import static com.fasterxml.jackson.core.JsonToken.START_OBJECT;
import static com.fasterxml.jackson.core.JsonToken.VALUE_FALSE;
import static com.fasterxml.jackson.core.JsonToken.VALUE_NULL;
import static com.fasterxml.jackson.core.JsonToken.VALUE_STRING;
import static com.fasterxml.jackson.core.JsonToken.VALUE_TRUE;

import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.util.ArrayList;
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

  private final BodyCursor at;
  private final Operation operation;
  private final PromptHasher hasher;
  private final PromptParser prompts;

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
  private boolean serverTools;
  private @Nullable String user;
  private @Nullable Members options;
  private @Nullable Members streamOptions;

  BodyParser(BodyCursor at, Operation operation, PromptHasher hasher) {
    this.at = at;
    this.operation = operation;
    this.hasher = hasher;
    this.prompts = new PromptParser(at, operation);
  }

  CheckedBody read() throws IOException, BadBody {
    if (at.next() != START_OBJECT) {
      throw at.bad("invalid-json", "the body is not one valid JSON object");
    }
    Members root = root();
    if (at.next() != null) {
      throw at.bad("invalid-json", "something stands after the body's object");
    }
    return new CheckedBody(at.body(), call(), root, options, streamOptions);
  }

  // ---- the body itself

  private Members root() throws IOException, BadBody {
    BodyCursor.Scope scope = at.scope(KnownFields.of(operation));
    Members members = new Members(at.start());
    while (scope.next()) {
      int keyStart = at.start();
      at.next();
      int valueStart = at.start();
      at.path().push(scope.name);
      root(scope.field);
      at.path().pop();
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
      case STREAM -> stream = at.flag();
      case INSECURE -> at.flag();
      case STREAM_OPTIONS -> streamOptions = object(KnownFields.STREAM_OPTIONS);
      case OPTIONS -> options = object(KnownFields.OPTIONS);
      case OUTPUT_LIMIT -> outputLimit();
      case CHOICES -> choices = Math.max(choices, choices());
      case LOGPROBS -> logprobs();
      case TOP_LOGPROBS -> at.number();
      case KEEP_ALIVE -> keepAlive();
      case USER -> user = at.text();
      case PROMPT, INPUT, MESSAGES, SYSTEM, INSTRUCTIONS, IMAGES -> prompts.read(field);
      case TOOLS -> tools();
      case SERVER_TOOL -> {
        serverTools |= at.token() != VALUE_NULL;
        at.free();
      }
      default -> at.free();
    }
  }

  /** Reads {@code options} or {@code stream_options}; null for a null. */
  private @Nullable Members object(FieldNames names) throws IOException, BadBody {
    if (at.isNull()) {
      return null;
    }
    at.expect(START_OBJECT, "an object");
    BodyCursor.Scope scope = at.scope(names);
    Members members = new Members(at.start());
    while (scope.next()) {
      int keyStart = at.start();
      at.next();
      int valueStart = at.start();
      at.path().push(scope.name);
      switch (scope.field) {
        case OUTPUT_LIMIT -> outputLimit();
        case CONTEXT_LIMIT -> contextTokens = at.number();
        case INCLUDE_USAGE -> includeUsage = Boolean.TRUE.equals(at.flag());
        default -> at.free();
      }
      at.path().pop();
      add(members, scope.key, keyStart, valueStart);
    }
    return members;
  }

  private void add(Members members, String key, int keyStart, int valueStart) throws BadBody {
    if (members.size() == MAX_MEMBERS) {
      throw at.bad("invalid-field", "an object has more than " + MAX_MEMBERS + " fields");
    }
    members.add(key, keyStart, valueStart, at.end());
  }

  // ---- tools

  private void tools() throws IOException, BadBody {
    if (at.isNull()) {
      return;
    }
    at.expect(START_ARRAY, "an array");
    for (int i = 0; at.next() != END_ARRAY; i++) {
      at.path().push(i);
      at.expect(START_OBJECT, "an object");
      BodyCursor.Scope scope = at.scope(KnownFields.TOOL);
      while (scope.next()) {
        at.next();
        at.path().push(scope.name);
        if (scope.field == Field.TYPE) {
          String type = at.text();
          serverTools |= type != null && !KnownFields.runsAtClient(type);
        } else {
          at.free();
        }
        at.path().pop();
      }
      at.path().pop();
    }
  }

  // ---- scalars

  private void outputLimit() throws BadBody {
    Long value = at.number();
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
    Long value = at.number();
    return value == null ? 1 : (int) Math.max(1, Math.min(value, Integer.MAX_VALUE));
  }

  private void logprobs() throws BadBody {
    JsonToken token = at.token();
    if (token != VALUE_TRUE && token != VALUE_FALSE) {
      at.number();
    }
  }

  private void keepAlive() throws BadBody {
    if (at.token() != VALUE_STRING) {
      at.number();
    }
  }

  private String modelName() throws IOException, BadBody {
    if (at.token() != VALUE_STRING) {
      throw at.bad("model-missing", "the model's name must be a string");
    }
    String value = at.tokenText();
    // Ollama trims a name and its tag, so another spelling would be the same model
    if (value.length() > MAX_NAME
        || Unicode.hasLoneSurrogate(value)
        || Unicode.hasInvisible(value)) {
      throw at.bad("invalid-field", "this is no model's name");
    }
    return value;
  }

  // ---- the outcome

  private Call call() throws BadBody {
    String called = calledModel();
    PromptText prompt = prompts.prompt();
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
    PromptText prompt = prompts.prompt();
    long template = 8L * prompt.messages() + 8;
    // tools and schemas are part of the prompt: whatever is no image counts
    long text = at.body().length - prompt.imageBytes();
    return new CallDetails(
        models(),
        prompt.bytes() / 4 + template / 2 + 768L * prompt.images(),
        Math.max(text, prompt.bytes()) + template + 4_096L * prompt.images(),
        choices,
        contextTokens,
        loadOnly,
        includeUsage,
        prompts.localMedia(),
        prompts.remoteMedia(),
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
}
