package io.llmguard.inspect.internal;

import io.llmguard.inspect.InspectionListener;
import io.llmguard.inspect.InspectionListener.Action;
import io.llmguard.inspect.InspectionListener.Content;
import io.llmguard.inspect.Verdict;
import io.llmguard.inspect.Verdict.Redaction;

/** Tells a listener what a verdict found. */
public record Findings(InspectionListener listener, Content content) {
  /** Tells of a verdict, and whether anything comes of it. */
  public void heard(String inspector, Verdict verdict, boolean shadow) {
    if (verdict instanceof Verdict.Refuse refuse) {
      listener.found(inspector, refuse.kind(), content, shadow ? Action.SHADOWED : Action.REFUSED);
    } else if (verdict instanceof Verdict.Redact redact) {
      for (Redaction redaction : redact.redactions()) {
        // what continues a redaction in another part was counted with it
        if (!redaction.mask().isEmpty()) {
          listener.found(
              inspector, redaction.kind(), content, shadow ? Action.SHADOWED : Action.REDACTED);
        }
      }
    }
  }
}
