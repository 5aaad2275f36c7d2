package io.llmguard.wire;

import org.jspecify.annotations.Nullable;

/** What a call asks an LLM server to do, and in whose shape. */
public enum Operation {
  /** {@code POST /api/generate}. */
  OLLAMA_GENERATE(Dialect.OLLAMA, Kind.GENERATION),
  /** {@code POST /api/chat}. */
  OLLAMA_CHAT(Dialect.OLLAMA, Kind.GENERATION),
  /** {@code POST /api/embed}. */
  OLLAMA_EMBED(Dialect.OLLAMA, Kind.EMBEDDING),
  /** {@code POST /api/embeddings}, the older form. */
  OLLAMA_EMBEDDINGS(Dialect.OLLAMA, Kind.EMBEDDING),
  /** {@code GET /api/tags}. */
  OLLAMA_TAGS(Dialect.OLLAMA, Kind.MODEL_LIST),
  /** {@code POST /api/show}. */
  OLLAMA_SHOW(Dialect.OLLAMA, Kind.MODEL_INFO),
  /** {@code GET /api/ps}: a list of models, filtered as {@code /api/tags} is. */
  OLLAMA_PS(Dialect.OLLAMA, Kind.MODEL_LIST),
  /** Anything else that is answered as it comes, such as {@code /api/version}. */
  OLLAMA_INFO(Dialect.OLLAMA, Kind.INFO),
  /** {@code POST /api/pull}, {@code /api/push}, {@code /api/create}: streams of progress. */
  OLLAMA_PROGRESS(Dialect.OLLAMA, Kind.MANAGEMENT),
  /** {@code POST /api/copy}, {@code DELETE /api/delete} and other management. */
  OLLAMA_MANAGE(Dialect.OLLAMA, Kind.MANAGEMENT),
  /** {@code POST|HEAD /api/blobs/DIGEST}. */
  OLLAMA_BLOB(Dialect.OLLAMA, Kind.MANAGEMENT),
  /** {@code POST /v1/chat/completions}. */
  OPENAI_CHAT(Dialect.OPENAI, Kind.GENERATION),
  /** {@code POST /v1/completions}. */
  OPENAI_COMPLETIONS(Dialect.OPENAI, Kind.GENERATION),
  /** {@code POST /v1/embeddings}. */
  OPENAI_EMBEDDINGS(Dialect.OPENAI, Kind.EMBEDDING),
  /** {@code POST /v1/responses}. */
  OPENAI_RESPONSES(Dialect.OPENAI, Kind.GENERATION),
  /** {@code POST /v1/audio/transcriptions}: multipart. */
  OPENAI_TRANSCRIPTIONS(Dialect.OPENAI, Kind.TRANSCRIPTION),
  /** {@code GET /v1/models}. */
  OPENAI_MODELS(Dialect.OPENAI, Kind.MODEL_LIST),
  /** {@code GET /v1/models/MODEL}. */
  OPENAI_MODEL(Dialect.OPENAI, Kind.MODEL_INFO),
  /** {@code POST /v1/messages}. */
  ANTHROPIC_MESSAGES(Dialect.ANTHROPIC, Kind.GENERATION),
  /** A path of the application's own, which llmguard does not look into. */
  OTHER(Dialect.PLAIN, Kind.INFO);

  /** What an operation is about, whatever its shape. */
  public enum Kind {
    /** Makes tokens from a prompt. */
    GENERATION("chat"),
    /** Makes vectors from inputs. */
    EMBEDDING("embeddings"),
    /** Makes text from sound. */
    TRANSCRIPTION("transcription"),
    /** Lists models. */
    MODEL_LIST(null),
    /** Tells about one model. */
    MODEL_INFO(null),
    /** Changes the server. */
    MANAGEMENT(null),
    /** Anything else. */
    INFO(null);

    private final @Nullable String genAiName;

    Kind(@Nullable String genAiName) {
      this.genAiName = genAiName;
    }

    /** The {@code gen_ai.operation.name} of OpenTelemetry, or null where it has none. */
    public @Nullable String genAiName() {
      return genAiName;
    }
  }

  private final Dialect dialect;
  private final Kind kind;

  Operation(Dialect dialect, Kind kind) {
    this.dialect = dialect;
    this.kind = kind;
  }

  /** In whose shape requests, answers and errors are. */
  public Dialect dialect() {
    return dialect;
  }

  /** What it is about. */
  public Kind kind() {
    return kind;
  }
}
