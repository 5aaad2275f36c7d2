package io.llmguard.budget;

import io.llmguard.Exchange;
import io.llmguard.RequestBody;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.upstream.Proxy;
import io.llmguard.wire.BodyEdits;
import io.llmguard.wire.Call;
import io.llmguard.wire.Ceilings;
import io.llmguard.wire.CheckedBody;
import io.llmguard.wire.Operation;
import io.llmguard.wire.UsageEventFilter;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Writes into a call what was reserved for it, and asks its stream for token counts. */
final class CallEdits {
  private CallEdits() {}

  /**
   * Prepares a call.
   *
   * @param outputTokens the ceiling of each answer, or null for none
   */
  static void prepare(Exchange exchange, @Nullable Long outputTokens) {
    CheckedBody checked = exchange.get(BodyStage.CHECKED);
    Call call = exchange.call();
    if (checked == null || call == null) {
      return;
    }
    boolean ask = lacksUsage(call);
    if (outputTokens == null && !ask) {
      return;
    }
    BodyEdits edits = exchange.get(CeilingStage.EDITS);
    if (edits == null) {
      edits = checked.edits();
    }
    if (ask) {
      edits.set("stream_options.include_usage", true);
      exchange.put(Proxy.ANSWERS, (status, headers) -> UsageEventFilter.of(status, headers));
    }
    if (outputTokens != null) {
      Ceilings ceilings =
          Ceilings.builder()
              .maxOutputTokens(outputTokens)
              .localMedia(true)
              .remoteMedia(true)
              .serverTools(true)
              .build();
      if (ceilings.apply(checked, edits) instanceof Ceilings.Result.Within within) {
        exchange.body(new RequestBody.InMemory(within.body()));
      }
    } else {
      exchange.body(new RequestBody.InMemory(ByteBuffer.wrap(edits.apply())));
    }
    exchange.put(CeilingStage.EDITS, edits);
  }

  /** Has the next attempt of a call generate no more than this in each answer. */
  static void lower(Exchange exchange, long outputTokens) {
    BodyEdits edits = exchange.get(CeilingStage.EDITS);
    Call call = exchange.call();
    if (edits != null && call != null && call.model() != null) {
      edits.set("model", call.model()); // a router may have written an upstream's own name
    }
    prepare(exchange, outputTokens);
  }

  private static boolean lacksUsage(Call call) {
    boolean may =
        call.operation() == Operation.OPENAI_CHAT
            || call.operation() == Operation.OPENAI_COMPLETIONS;
    return may && call.stream() && !call.details().includeUsage();
  }
}
