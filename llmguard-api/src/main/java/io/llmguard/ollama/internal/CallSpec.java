package io.llmguard.ollama.internal;

import io.llmguard.ollama.internal.http.RequestBody;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * All that a call is, but where and when.
 *
 * @param operation its name for observers
 * @param method the HTTP method
 * @param path the path under the base URL, beginning with a slash
 * @param model the model, or null
 * @param contentType of the body
 * @param body the body; null is none
 * @param readOnly whether the call changes nothing on the server
 * @param lines whether the answer comes as lines; else it is taken whole
 * @param decoder reads the events, anew for each call
 * @param assembler puts them together, anew for each call
 * @param absent the event that a 404 stands for; null where it is a failure
 * @param <E> the events
 * @param <R> the whole answer
 */
public record CallSpec<E, R>(
    String operation,
    String method,
    String path,
    @Nullable String model,
    String contentType,
    @Nullable RequestBody body,
    boolean readOnly,
    boolean lines,
    Supplier<? extends Decoder<E>> decoder,
    Supplier<? extends Assembler<E, R>> assembler,
    @Nullable E absent) {
  /** A call to which a 404 is a failure. */
  public CallSpec(
      String operation,
      String method,
      String path,
      @Nullable String model,
      String contentType,
      @Nullable RequestBody body,
      boolean readOnly,
      boolean lines,
      Supplier<? extends Decoder<E>> decoder,
      Supplier<? extends Assembler<E, R>> assembler) {
    this(
        operation,
        method,
        path,
        model,
        contentType,
        body,
        readOnly,
        lines,
        decoder,
        assembler,
        null);
  }
}
