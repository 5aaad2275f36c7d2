package io.llmguard.inprocess;

import io.llmguard.auth.Caller;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.EmbedRequest;
import io.llmguard.ollama.EmbedResponse;
import io.llmguard.ollama.GenerateRequest;
import io.llmguard.ollama.GenerateResponse;
import io.llmguard.ollama.Metrics;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.internal.Json;
import java.util.Map;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Calls of an {@link OllamaClient}, each of which is led through a guard before, and settled with
 * what the server reported after. What is sent is what was checked, ceilings applied. Thread-safe;
 * the client stays its owner's to close.
 */
public final class GuardedOllamaClient {
  private final OllamaClient client;
  private final InProcessGuard guard;
  private final Supplier<Caller> caller;

  /**
   * A guarded client.
   *
   * @param caller says on whose behalf the present call is made
   */
  public GuardedOllamaClient(OllamaClient client, InProcessGuard guard, Supplier<Caller> caller) {
    this.client = Objects.requireNonNull(client);
    this.guard = Objects.requireNonNull(guard);
    this.caller = Objects.requireNonNull(caller);
  }

  /**
   * A chat, answered at once.
   *
   * @throws CallRefusedException if the guard refuses it
   */
  public ChatResponse chat(ChatRequest request) {
    try (GuardedCall call = guard.begin(InProcessRequest.of(caller.get(), request))) {
      ChatResponse answer =
          client.chat(
              ChatRequest.builder(request.model(), request.messages())
                  .extra(checked(call))
                  .build());
      answered(call, answer.metrics());
      return answer;
    }
  }

  /**
   * A completion, answered at once.
   *
   * @throws CallRefusedException if the guard refuses it
   */
  public GenerateResponse generate(GenerateRequest request) {
    try (GuardedCall call = guard.begin(InProcessRequest.of(caller.get(), request))) {
      GenerateResponse answer =
          client.generate(GenerateRequest.builder(request.model()).extra(checked(call)).build());
      answered(call, answer.metrics());
      return answer;
    }
  }

  /**
   * An embedding.
   *
   * @throws CallRefusedException if the guard refuses it
   */
  public EmbedResponse embed(EmbedRequest request) {
    try (GuardedCall call = guard.begin(InProcessRequest.of(caller.get(), request))) {
      EmbedResponse answer =
          client.embed(
              EmbedRequest.builder(request.model(), request.input()).extra(checked(call)).build());
      call.answered(answer.promptEvalCount(), 0);
      return answer;
    }
  }

  private static Map<String, @Nullable Object> checked(GuardedCall call) {
    byte[] body = call.body();
    return Json.object(body, 0, body.length);
  }

  private static void answered(GuardedCall call, Metrics used) {
    call.answered(used.promptEvalCount(), used.evalCount());
  }
}
