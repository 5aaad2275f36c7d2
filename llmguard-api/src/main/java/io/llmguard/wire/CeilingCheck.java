package io.llmguard.wire;

import io.llmguard.Refusal;
import java.nio.ByteBuffer;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** Holds one body against the ceilings. */
final class CeilingCheck {
  private final Ceilings ceilings;
  private final CheckedBody body;
  private final BodyEdits edits;
  private final Call call;
  private @Nullable Refusal refusal;
  private @Nullable Long maxOutput;
  private @Nullable Long context;
  private int choices;

  CeilingCheck(Ceilings ceilings, CheckedBody body, BodyEdits edits) {
    this.ceilings = ceilings;
    this.body = body;
    this.edits = edits;
    this.call = body.call();
    this.maxOutput = call.maxOutputTokens();
    this.context = call.details().contextTokens();
    this.choices = call.details().choices();
  }

  Ceilings.Result result() {
    forbidden();
    if (call.operation().kind() == Operation.Kind.GENERATION) {
      outputTokens();
    }
    Integer most = ceilings.maxChoices();
    if (most != null) {
      atMost("n", body.root(), "n", most);
      atMost("best_of", body.root(), "best_of", most);
      choices = Math.min(choices, most);
    }
    logprobs();
    keepAlive();
    options();
    Refusal no = refusal;
    if (no != null) {
      return new Ceilings.Result.Above(no);
    }
    byte[] changed = edits.apply();
    return new Ceilings.Result.Within(
        ByteBuffer.wrap(changed), changed == body.bytes() ? call : changedCall());
  }

  private Call changedCall() {
    CallDetails old = call.details();
    return new Call(
        call.operation(),
        call.model(),
        call.stream(),
        call.prompt(),
        maxOutput,
        new CallDetails(
            old.models(),
            old.promptTokens(),
            old.promptTokensAtMost(),
            choices,
            context,
            old.loadOnly(),
            old.includeUsage(),
            old.localMedia(),
            old.remoteMedia(),
            old.serverTools(),
            old.user()));
  }

  private void forbidden() {
    CallDetails asked = call.details();
    if (asked.localMedia() && !ceilings.localMedia()) {
      refuse("local-media", "media must be sent as data: URLs; files of the server are not read");
    } else if (asked.remoteMedia() && !ceilings.remoteMedia()) {
      refuse("remote-media", "media must be sent as data: URLs; the server fetches none");
    } else if (asked.serverTools() && !ceilings.serverTools()) {
      refuse("server-tools", "tools that the server runs itself are not allowed");
    } else if (asked.loadOnly() && !ceilings.loadOnly()) {
      refuse("load-only", "a call without a prompt is not allowed");
    }
  }

  // ---- output

  private void outputTokens() {
    boolean ollama = call.operation().dialect() == Dialect.OLLAMA;
    Members members = ollama ? body.options() : body.root();
    String prefix = ollama ? "options." : "";
    String obeyed = obeyedLimit(call.operation());
    Long ceiling = ceilings.maxOutputTokens();
    if (ceiling != null) {
      for (String field : outputLimits(ollama)) {
        clampOutput(prefix + field, members, field, ceiling);
      }
      if (number(members, obeyed) == null) {
        Long asked = largestLimit(ollama, members);
        edits.set(prefix + obeyed, asked == null ? ceiling : Math.min(asked, ceiling));
      }
      maxOutput = maxOutput == null ? ceiling : Long.valueOf(Math.min(maxOutput, ceiling));
    } else if (ceilings.sameOutputLimit()
        && call.operation() == Operation.OPENAI_CHAT
        && number(members, obeyed) == null) {
      Long asked = number(members, "max_completion_tokens");
      if (asked != null && asked > 0 && asked != Long.MAX_VALUE) {
        edits.set(obeyed, asked);
      }
    }
  }

  private static String[] outputLimits(boolean ollama) {
    return ollama
        ? new String[] {"num_predict"}
        : new String[] {"max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict"};
  }

  private static String obeyedLimit(Operation operation) {
    return switch (operation) {
      case OLLAMA_GENERATE, OLLAMA_CHAT -> "num_predict";
      case OPENAI_RESPONSES -> "max_output_tokens";
      default -> "max_tokens";
    };
  }

  private @Nullable Long largestLimit(boolean ollama, @Nullable Members members) {
    Long largest = null;
    for (String field : outputLimits(ollama)) {
      Long value = number(members, field);
      if (value != null) {
        long real = value <= 0 ? Long.MAX_VALUE : value;
        largest = largest == null ? real : Math.max(largest, real);
      }
    }
    return largest;
  }

  private void clampOutput(String name, @Nullable Members members, String field, long ceiling) {
    Long value = number(members, field);
    // zero and less mean no end
    if (value != null && (value <= 0 || value > ceiling)) {
      exceeded(name, ceiling);
      edits.set(name, ceiling);
    }
  }

  // ---- the others

  private void logprobs() {
    Integer most = ceilings.maxLogprobs();
    if (most == null) {
      return;
    }
    Members root = body.root();
    int at = root.indexOf("logprobs");
    boolean asked =
        at >= 0 && JsonText.is(body.bytes(), root.valueStart(at), root.valueEnd(at), "true");
    if (most == 0) {
      if (asked) {
        exceeded("logprobs", 0);
        edits.set("logprobs", false);
      }
      for (String field : new String[] {"logprobs", "top_logprobs", "n_probs"}) {
        Long value = number(root, field);
        if (value != null && value != 0) {
          exceeded(field, 0);
        }
        if (value != null) {
          edits.remove(field);
        }
      }
    } else {
      for (String field : new String[] {"logprobs", "top_logprobs", "n_probs"}) {
        atMost(field, root, field, most);
      }
    }
  }

  private void keepAlive() {
    Members root = body.root();
    int at = root.indexOf("keep_alive");
    Duration least = ceilings.minKeepAlive();
    Duration most = ceilings.maxKeepAlive();
    if (at < 0 || (least == null && most == null) || isNull(root, at)) {
      return;
    }
    double seconds = GoDuration.seconds(body.bytes(), root.valueStart(at), root.valueEnd(at));
    if (most != null && !(seconds * 1_000 <= most.toMillis())) {
      if (ceilings.mode() == Ceilings.Mode.REFUSE) {
        refuse("ceiling-exceeded", "keep_alive may be at most " + most.toSeconds() + " s");
      }
      edits.set("keep_alive", most.toMillis() + "ms");
    } else if (least != null && !(seconds * 1_000 >= least.toMillis())) {
      if (ceilings.mode() == Ceilings.Mode.REFUSE) {
        refuse("ceiling-exceeded", "keep_alive must be at least " + least.toSeconds() + " s");
      }
      edits.set("keep_alive", least.toMillis() + "ms");
    }
  }

  private void options() {
    Members options = body.options();
    if (options == null) {
      return;
    }
    Long most = ceilings.maxContextTokens();
    if (most != null) {
      atMost("options.num_ctx", options, "num_ctx", most);
      context = context == null ? null : Long.valueOf(Math.min(context, most));
    }
    if (ceilings.loadOptions()) {
      return;
    }
    for (int i = 0; i < options.size(); i++) {
      String name = options.name(i);
      boolean counts = name.equals("num_ctx") ? most == null : KnownFields.isLoadOption(name);
      if (counts) {
        if (ceilings.mode() == Ceilings.Mode.REFUSE) {
          refuse("load-options", "options that make the server load the model anew are refused");
        }
        edits.remove("options." + name);
        context = name.equals("num_ctx") ? null : context;
      }
    }
  }

  private void atMost(String name, Members members, String field, long most) {
    Long value = number(members, field);
    if (value != null && value > most) {
      exceeded(name, most);
      edits.set(name, most);
    }
  }

  /** The field's number; null where it is missing, null or no number. */
  private @Nullable Long number(@Nullable Members members, String field) {
    int at = members == null ? -1 : members.indexOf(field);
    if (members == null || at < 0) {
      return null;
    }
    byte first = body.bytes()[members.valueStart(at)];
    return first == '-' || (first >= '0' && first <= '9')
        ? JsonText.number(body.bytes(), members.valueStart(at), members.valueEnd(at))
        : null;
  }

  private boolean isNull(Members members, int at) {
    return JsonText.is(body.bytes(), members.valueStart(at), members.valueEnd(at), "null");
  }

  private void exceeded(String name, long most) {
    if (ceilings.mode() == Ceilings.Mode.REFUSE) {
      refuse("ceiling-exceeded", name + " may be at most " + most);
    }
  }

  private void refuse(String reason, String detail) {
    if (refusal == null) {
      refusal = Refusal.of(403, reason, detail);
    }
  }
}
