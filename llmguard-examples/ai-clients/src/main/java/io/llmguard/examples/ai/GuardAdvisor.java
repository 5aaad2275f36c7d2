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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.ai.chat.client.ChatClientRequest;
import org.springframework.ai.chat.client.ChatClientResponse;
import org.springframework.ai.chat.client.advisor.api.CallAdvisor;
import org.springframework.ai.chat.client.advisor.api.CallAdvisorChain;
import org.springframework.ai.chat.metadata.Usage;
import org.springframework.ai.chat.model.ChatResponse;
import org.springframework.ai.chat.prompt.ChatOptions;

/**
 * Leads the calls of a Spring AI {@code ChatClient} through the guard, right before the model.
 *
 * <p>An advisor cannot change a model's own options. A call that asks for more output than the
 * guard's ceiling, or sets no limit where there is one, is refused, therefore, and told the
 * ceiling.
 */
public final class GuardAdvisor implements CallAdvisor {
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
    ChatOptions options = request.prompt().getOptions();
    Integer most = options == null ? null : options.getMaxTokens();
    try (GuardedCall call =
        guard.begin(InProcessRequest.of(caller.get(), described(request, options, most)))) {
      refuseAboveCeiling(call, most);
      ChatClientResponse answer = chain.nextCall(request);
      ChatResponse response = answer.chatResponse();
      Usage used = response == null ? null : response.getMetadata().getUsage();
      if (used == null || used.getTotalTokens() == 0) {
        call.answered();
      } else {
        call.answered(used.getPromptTokens(), used.getCompletionTokens());
      }
      return answer;
    }
  }

  private static void refuseAboveCeiling(GuardedCall call, @Nullable Integer most) {
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

  private static ChatRequest described(
      ChatClientRequest request, @Nullable ChatOptions options, @Nullable Integer most) {
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
