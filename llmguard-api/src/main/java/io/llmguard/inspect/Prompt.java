package io.llmguard.inspect;

import io.llmguard.auth.Caller;
import io.llmguard.wire.Call;
import io.llmguard.wire.PromptParts.Part;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The prompt of a call: every text that its body gives a model to read.
 *
 * @param call what the call asks for
 * @param caller who calls, or null where nobody was authenticated
 * @param parts the texts, in the order of the body: messages, system prompts, tools, schemas
 * @param messages how many messages there are
 */
public record Prompt(Call call, @Nullable Caller caller, List<Part> parts, int messages) {
  /** Takes a copy of the parts. */
  public Prompt {
    parts = List.copyOf(parts);
  }

  /** How long all texts are together, in UTF-16 units. */
  public long characters() {
    long characters = 0;
    for (Part part : parts) {
      characters += part.text().length();
    }
    return characters;
  }

  /** Lengths only: a prompt must not reach a log by accident. */
  @Override
  public String toString() {
    return "Prompt[" + parts.size() + " parts, " + characters() + " chars]";
  }
}
