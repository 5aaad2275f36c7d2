package io.llmguard.ollama.internal;

import java.net.http.HttpRequest.BodyPublisher;
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
 * @param body the body, anew for each attempt; null is none
 * @param readOnly whether the call changes nothing on the server
 * @param lines whether the answer comes as lines; else it is taken whole
 * @param decoder reads the events, anew for each call
 * @param assembler puts them together, anew for each call
 * @param <E> the events
 * @param <R> the whole answer
 */
public record CallSpec<E, R>(
    String operation,
    String method,
    String path,
    @Nullable String model,
    String contentType,
    @Nullable Supplier<BodyPublisher> body,
    boolean readOnly,
    boolean lines,
    Supplier<? extends Decoder<E>> decoder,
    Supplier<? extends Assembler<E, R>> assembler) {}
