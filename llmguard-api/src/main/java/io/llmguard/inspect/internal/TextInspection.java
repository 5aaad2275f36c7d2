package io.llmguard.inspect.internal;

import io.llmguard.Refusal;
import io.llmguard.inspect.AnswerText;
import io.llmguard.inspect.internal.InspectedText.Refused;
import java.util.List;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/** Leads one text through inspectors, piece by piece. */
public final class TextInspection implements AnswerText {
  private final InspectedText text;
  private final BiFunction<String, String, Refusal> refusals;
  private final StringBuilder held = new StringBuilder();
  private long shown;
  private @Nullable Refusal refusal;

  /**
   * An inspection.
   *
   * @param refusals makes the refusal for an inspector's name and a kind
   */
  public TextInspection(
      List<Inspecting> inspectors,
      Findings findings,
      BiFunction<String, String, Refusal> refusals) {
    this.text = new InspectedText(0, false, inspectors, findings);
    this.refusals = refusals;
  }

  @Override
  public String next(String piece) {
    if (refusal != null) {
      return "";
    }
    held.append(piece);
    return released(text.add(piece));
  }

  @Override
  public String end() {
    return refusal == null ? released(text.end()) : "";
  }

  private String released(@Nullable Refused refused) {
    if (refused != null) {
      refusal = refusals.apply(refused.inspector(), refused.kind());
      held.setLength(0);
      return "";
    }
    int free = (int) (text.free() - shown);
    String stretch = held.substring(0, free);
    held.delete(0, free);
    String out = text.masked(shown, stretch);
    shown += free;
    return out;
  }

  @Override
  public @Nullable Refusal refusal() {
    return refusal;
  }
}
