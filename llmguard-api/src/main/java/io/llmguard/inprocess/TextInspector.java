package io.llmguard.inprocess;

import io.llmguard.Refusal;
import io.llmguard.inspect.AnswerText;
import java.util.List;
import java.util.function.Supplier;

/** Leads pieces of one text through the guards. */
final class TextInspector implements AnswerInspector<String> {
  private static final int CHARACTERS_OF_A_TOKEN = 4;

  private final GuardedCall call;
  private final AnswerText text;

  TextInspector(GuardedCall call, AnswerText text) {
    this.call = call;
    this.text = text;
  }

  @Override
  public List<String> next(String piece) {
    call.came(1 + piece.length() / CHARACTERS_OF_A_TOKEN);
    return shown(() -> text.next(piece));
  }

  @Override
  public List<String> end() {
    return shown(text::end);
  }

  private List<String> shown(Supplier<String> judging) {
    String shown = call.judged(judging);
    Refusal refusal = text.refusal();
    if (refusal != null) {
      throw call.withhold(refusal);
    }
    return shown.isEmpty() ? List.of() : List.of(shown);
  }
}
