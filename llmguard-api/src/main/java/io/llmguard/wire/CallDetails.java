package io.llmguard.wire;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What else a call asks for: what ceilings, budgets and the choice of models look at.
 *
 * @param models every model that the call names, the one it runs first; more than one for {@code
 *     /api/copy} and {@code /api/create}
 * @param promptTokens an estimate of the prompt's tokens: a quarter of its bytes, and more for
 *     images
 * @param promptTokensAtMost a bound of the prompt's tokens, as a token is a byte or more; a model's
 *     own template and system prompt, and images of more than 4,096 tokens, are not in it
 * @param choices how many answers it asks for at once ({@code n}, {@code best_of}), at least 1
 * @param contextTokens the context size that it asks for ({@code num_ctx}), or null
 * @param loadOnly true if there is no prompt, so that the call only loads or unloads the model
 * @param includeUsage true if it asks for a stream's token counts ({@code
 *     stream_options.include_usage})
 * @param localMedia true if an image, or the like, is to be read from the upstream's own disk
 * @param remoteMedia true if an image, or the like, is to be fetched by the upstream
 * @param serverTools true if it may make the upstream itself search the web or run tools
 * @param user the caller's own name for its user ({@code user}, {@code metadata.user_id} is not
 *     read), or null; never an identity
 */
public record CallDetails(
    List<String> models,
    long promptTokens,
    long promptTokensAtMost,
    int choices,
    @Nullable Long contextTokens,
    boolean loadOnly,
    boolean includeUsage,
    boolean localMedia,
    boolean remoteMedia,
    boolean serverTools,
    @Nullable String user) {
  /** Of a call about which nothing else is known. */
  public static final CallDetails NONE =
      new CallDetails(List.of(), 0, 0, 1, null, false, false, false, false, false, null);

  /** Of a call about which only its model is known. */
  public static CallDetails ofModel(String model) {
    return new CallDetails(List.of(model), 0, 0, 1, null, false, false, false, false, false, null);
  }

  /** Takes a copy of the models. */
  public CallDetails {
    models = List.copyOf(models);
  }

  /** The same, with a prompt as long as another call's. */
  public CallDetails withPromptOf(CallDetails other) {
    return new CallDetails(
        models,
        other.promptTokens,
        other.promptTokensAtMost,
        choices,
        contextTokens,
        loadOnly,
        includeUsage,
        localMedia,
        remoteMedia,
        serverTools,
        user);
  }
}
