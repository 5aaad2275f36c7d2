package io.llmguard.inspect.internal;

import io.llmguard.inspect.Verdict.Redaction;
import io.llmguard.wire.PromptParts.Part;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Takes redactions out of the texts of a prompt. */
public final class Redactions {
  private Redactions() {}

  /**
   * The texts without them.
   *
   * @throws IllegalStateException if one lies outside of its text
   */
  public static List<String> apply(List<Part> parts, List<Redaction> redactions) {
    Map<Integer, List<Redaction>> ofPart = new HashMap<>();
    for (Redaction redaction : redactions) {
      int part = redaction.part();
      if (part >= parts.size() || redaction.end() > parts.get(part).text().length()) {
        throw new IllegalStateException("a redaction of what is not there");
      }
      ofPart.computeIfAbsent(part, p -> new ArrayList<>(2)).add(redaction);
    }
    List<String> texts = new ArrayList<>(parts.size());
    for (int i = 0; i < parts.size(); i++) {
      List<Redaction> those = ofPart.get(i);
      String text = parts.get(i).text();
      texts.add(those == null ? text : Masked.of(text, those));
    }
    return texts;
  }
}
