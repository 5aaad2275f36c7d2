package io.llmguard.examples.ai;

import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.auth.Caller;
import io.llmguard.inprocess.CallRefusedException;
import io.llmguard.inprocess.GuardedCall;
import io.llmguard.inprocess.InProcessGuard;
import io.llmguard.inprocess.InProcessRequest;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.Options;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.client.ChatClientRequest;
import org.springframework.ai.chat.client.ChatClientResponse;
import org.springframework.ai.chat.client.advisor.api.CallAdvisor;
import org.springframework.ai.chat.client.advisor.api.CallAdvisorChain;
import org.springframework.ai.chat.client.advisor.api.StreamAdvisor;
import org.springframework.ai.chat.client.advisor.api.StreamAdvisorChain;
import org.springframework.ai.chat.metadata.Usage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.ChatOptions;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * Leads the calls of a Spring AI {@code ChatClient} through the guard, right before the model:
 * those that are answered at once, and those that are streamed. What is shown of an answer is what
 * content guards let through.
 *
 * <p>An advisor cannot change a model's own options. A call that asks for more output than the
 * guard's ceiling, or sets no limit where there is one, is refused, therefore, and told the
 * ceiling.
 */
public final class GuardAdvisor implements CallAdvisor, StreamAdvisor {
  private final InProcessGuard guard;
  private final Supplier<Caller> caller;

  /** An advisor for calls on behalf of whom {@code caller} says. */
  public GuardAdvisor(InProcessGuard guard, Supplier<Caller> caller) {
    this.guard = guard;
    this.caller = caller;
  }

  @Override
  public String getName() {
    return "llmguard";
  }

  @Override
  public int getOrder() {
    // behind every other advisor that may change the prompt, before the model
    return LOWEST_PRECEDENCE - 1;
  }

  @Override
  public ChatClientResponse adviseCall(ChatClientRequest request, CallAdvisorChain chain) {
    try (GuardedCall call = guard.begin(InProcessRequest.of(caller.get(), described(request)))) {
      refuseAboveCeiling(call, request);
      ChatClientResponse answer = chain.nextCall(request);
      try {
        return ShownGenerations.whole(call, answer);
      } finally {
        answered(call, used(answer));
      }
    }
  }

  @Override
  public Flux<ChatClientResponse> adviseStream(
      ChatClientRequest request, StreamAdvisorChain chain) {
    return Mono.fromFuture(
            () -> guard.beginAsync(InProcessRequest.streamed(caller.get(), described(request))))
        .flatMapMany(
            call -> {
              AtomicLong passed = new AtomicLong();
              AtomicReference<@Nullable Usage> used = new AtomicReference<>();
              ShownGenerations shown = new ShownGenerations(call);
              return Flux.defer(
                      () -> {
                        refuseAboveCeiling(call, request);
                        return chain.nextStream(request);
                      })
                  .doOnNext(
                      piece -> {
                        passed.incrementAndGet();
                        Usage reported = used(piece);
                        if (reported != null) {
                          used.set(reported); // the last piece has the whole answer's
                        }
                      })
                  .map(shown::next)
                  .concatWith(Flux.defer(() -> Flux.fromIterable(shown.end())))
                  .doOnComplete(
                      () -> {
                        Usage reported = used.get();
                        if (reported == null) {
                          call.answeredIn(passed.get());
                        } else {
                          answered(call, reported);
                        }
                      })
                  .doOnError(e -> call.truncated(passed.get()))
                  .doOnCancel(() -> call.abandoned(passed.get()));
            })
        .doOnDiscard(GuardedCall.class, call -> call.abandoned(0));
  }

  private static @Nullable Usage used(ChatClientResponse answer) {
    ChatResponse response = answer.chatResponse();
    Usage used = response == null ? null : response.getMetadata().getUsage();
    return used == null || used.getTotalTokens() == 0 ? null : used;
  }

  private static void answered(GuardedCall call, @Nullable Usage used) {
    if (used == null) {
      call.answered();
    } else {
      call.answered(used.getPromptTokens(), used.getCompletionTokens());
    }
  }

  private static @Nullable Integer most(ChatClientRequest request) {
    ChatOptions options = request.prompt().getOptions();
    return options == null ? null : options.getMaxTokens();
  }

  private static void refuseAboveCeiling(GuardedCall call, ChatClientRequest request) {
    Integer most = most(request);
    Long ceiling = call.maxOutputTokens();
    Long asked = most == null ? null : most.longValue();
    if (!Objects.equals(ceiling, asked)) {
      Refusal refusal =
          Refusal.of(403, "ceiling", "ask for at most " + ceiling + " tokens of output");
      call.exchange().status(refusal.status());
      call.exchange().onComplete(Outcome.refused(refusal.reason()));
      throw new CallRefusedException(refusal);
    }
  }

  private static ChatRequest described(ChatClientRequest request) {
    ChatOptions options = request.prompt().getOptions();
    Integer most = most(request);
    List<Message> messages =
        request.prompt().getInstructions().stream().map(GuardAdvisor::message).toList();
    String model = options == null || options.getModel() == null ? "unnamed" : options.getModel();
    ChatRequest.Builder described = ChatRequest.builder(model, messages);
    if (most != null) {
      described.options(Options.builder().numPredict(most).build());
    }
    return described.build();
  }

  private static Message message(org.springframework.ai.chat.messages.Message message) {
    String text = Objects.requireNonNullElse(message.getText(), "");
    return switch (message.getMessageType()) {
      case SYSTEM -> Message.system(text);
      case ASSISTANT -> Message.assistant(text);
      case USER, TOOL -> Message.user(text);
    };
  }
}
