package io.llmguard.inspect;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Headers;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.inspect.InspectionListener.Content;
import io.llmguard.inspect.Verdict.Redaction;
import io.llmguard.inspect.internal.AnswerInspection;
import io.llmguard.inspect.internal.Findings;
import io.llmguard.inspect.internal.FormTexts;
import io.llmguard.inspect.internal.Inspecting;
import io.llmguard.inspect.internal.Redactions;
import io.llmguard.inspect.internal.TextInspection;
import io.llmguard.policy.BodyStage;
import io.llmguard.policy.CeilingStage;
import io.llmguard.policy.Endpoint;
import io.llmguard.policy.FormStage;
import io.llmguard.upstream.Proxy;
import io.llmguard.wire.AnswerTransform;
import io.llmguard.wire.BodyEdits;
import io.llmguard.wire.Call;
import io.llmguard.wire.CheckedBody;
import io.llmguard.wire.CheckedForm;
import io.llmguard.wire.Operation;
import io.llmguard.wire.PromptParts;
import io.llmguard.wire.PromptParts.Part;
import io.llmguard.wire.RequestReader;
import io.llmguard.wire.ResponseMeters;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks inspectors about prompts and answers, and does what they say.
 *
 * <p>It stands after the stages that read the body and judge models and ceilings, and before token
 * limits and budgets. A prompt that is refused gets 400; of one that is redacted the redacted body
 * goes on, which is also the one that other stages and the audit trail's content see, while {@code
 * promptHash} and {@code promptLength} stay those of the prompt that the client sent. Of a form the
 * fields are looked at that a model may read, and its files are not. Every inspector sees the
 * prompt as it came. Answers of generations and transcriptions are inspected where a {@link Proxy}
 * carries the call: one in a whole is refused with 403; a stream ends with an error in its dialect.
 * Where an application makes the call itself, it shows what {@link #text} lets through, as {@link
 * io.llmguard.inprocess.GuardedCall} does. What cannot be read, as a body in a content coding, does
 * not pass. The reason is {@code content-INSPECTOR-KIND}. Thread-safe.
 */
public final class InspectionStage implements Stage {
  /** What goes on of an answer that may be changed; absent where none is. */
  public static final Exchange.Key<PassedBytes> PASSED =
      new Exchange.Key<>("passed-bytes", PassedBytes.class);

  /** True if the prompt was refused for what it says, so that it is kept nowhere. */
  public static final Exchange.Key<Boolean> PROMPT_REFUSED =
      new Exchange.Key<>("prompt-refused", Boolean.class);

  /** Who inspects the call's answer; absent where nobody does. */
  private static final Exchange.Key<InspectionStage> BY =
      new Exchange.Key<>("inspection", InspectionStage.class);

  private static final Logger log = LoggerFactory.getLogger(InspectionStage.class);
  private static final String UNREADABLE = "unreadable";
  private static final String UNDECIDED = "undecided";

  private final List<OfPrompts> prompts;
  private final List<OfAnswers> answers;
  private final boolean changesAnswers;
  private final Findings inPrompts;
  private final Findings inAnswers;
  private final RequestReader reader = RequestReader.create();

  private InspectionStage(Builder builder) {
    prompts = List.copyOf(builder.prompts);
    answers = List.copyOf(builder.answers);
    changesAnswers = answers.stream().anyMatch(each -> !each.shadow());
    inPrompts = new Findings(builder.listener, Content.PROMPT);
    inAnswers = new Findings(builder.listener, Content.RESPONSE);
  }

  private record OfPrompts(PromptInspector inspector, boolean shadow) {}

  private record OfAnswers(ResponseInspector inspector, boolean shadow) {}

  /** A builder of a stage without inspectors, which does nothing. */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public String name() {
    return "inspection";
  }

  @Override
  public boolean blocking() {
    return prompts.stream().anyMatch(each -> each.inspector().blocking());
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    Endpoint endpoint = exchange.endpoint();
    if (endpoint == null) {
      return exchange.admit();
    }
    Operation operation = endpoint.operation();
    switch (operation.kind()) {
      case GENERATION, TRANSCRIPTION -> watchAnswers(exchange, operation);
      case EMBEDDING -> {
        // its answer has numbers only
      }
      default -> {
        return exchange.admit();
      }
    }
    Refusal refusal = prompts.isEmpty() ? null : inspect(exchange);
    return refusal == null ? exchange.admit() : exchange.refuse(refusal);
  }

  // ---- prompts

  private @Nullable Refusal inspect(Exchange exchange) {
    CheckedBody body = exchange.get(BodyStage.CHECKED);
    CheckedForm form = exchange.get(FormStage.CHECKED);
    Call call = exchange.call();
    if (call == null || (body == null && form == null)) {
      return null;
    }
    PromptParts parts = body == null ? null : PromptParts.of(body);
    if (form != null && !form.textsComplete()) {
      for (OfPrompts each : prompts) {
        if (!each.shadow()) {
          return promptRefused(each.inspector().name(), UNREADABLE);
        }
      }
    }
    List<Part> texts = parts == null ? FormTexts.parts(form) : parts.parts();
    Prompt prompt =
        new Prompt(call, exchange.caller(), texts, parts == null ? 0 : parts.messages());
    List<Redaction> redactions = new ArrayList<>(0);
    for (OfPrompts each : prompts) {
      Verdict verdict = ask(each, prompt);
      inPrompts.heard(each.inspector().name(), verdict, each.shadow());
      if (each.shadow()) {
        continue;
      }
      if (verdict instanceof Verdict.Refuse refuse) {
        exchange.put(PROMPT_REFUSED, Boolean.TRUE);
        return promptRefused(each.inspector().name(), refuse.kind());
      }
      if (verdict instanceof Verdict.Redact redact) {
        redactions.addAll(redact.redactions());
      }
    }
    if (!redactions.isEmpty()) {
      List<String> others = Redactions.apply(texts, redactions);
      if (body != null && parts != null) {
        redact(exchange, call, body, parts.with(others));
      } else if (form != null) {
        exchange.body(FormTexts.with(exchange.body(), form, others));
      }
    }
    return null;
  }

  private static Verdict ask(OfPrompts each, Prompt prompt) {
    try {
      return each.inspector().inspect(prompt);
    } catch (RuntimeException e) {
      if (!each.shadow()) {
        throw e;
      }
      // the class only: a message may hold what the prompt says
      log.error(
          "inspector {} failed in shadow mode: {}",
          each.inspector().name(),
          e.getClass().getName());
      return Verdict.ALLOW;
    }
  }

  private static Refusal promptRefused(String inspector, String kind) {
    return Refusal.of(
        400,
        reason(inspector, kind),
        "the content guard " + inspector + " does not let this prompt pass: " + kind);
  }

  private static String reason(String inspector, String kind) {
    return "content-" + inspector + "-" + kind;
  }

  private void redact(Exchange exchange, Call call, CheckedBody before, byte[] bytes) {
    if (!(reader.read(before.call().operation(), bytes) instanceof CheckedBody body)) {
      throw new IllegalStateException("a redacted body is as good as the one before");
    }
    exchange.put(BodyStage.CHECKED, body);
    exchange.call(
        new Call(
            call.operation(),
            call.model(),
            call.stream(),
            call.prompt(),
            call.maxOutputTokens(),
            call.details().withPromptOf(body.call().details())));
    BodyEdits edits = exchange.get(CeilingStage.EDITS);
    if (edits == null) {
      exchange.body(new RequestBody.InMemory(ByteBuffer.wrap(bytes)));
      return;
    }
    BodyEdits moved = edits.of(body);
    exchange.put(CeilingStage.EDITS, moved);
    exchange.body(new RequestBody.InMemory(ByteBuffer.wrap(moved.apply())));
  }

  // ---- answers

  private void watchAnswers(Exchange exchange, Operation operation) {
    if (answers.isEmpty()) {
      return;
    }
    PassedBytes passed = new PassedBytes();
    if (changesAnswers) {
      exchange.put(PASSED, passed);
    }
    exchange.put(
        Proxy.CONTENT,
        (status, headers) -> inspection(exchange.call(), operation, passed, headers));
    exchange.put(BY, this);
  }

  /**
   * The inspection of one text of this call's answer, for an application that has made the call
   * itself; null where nobody inspects answers.
   */
  public static @Nullable AnswerText text(Exchange exchange) {
    InspectionStage by = exchange.get(BY);
    return by == null
        ? null
        : new TextInspection(
            by.open(exchange.call()), by.inAnswers, InspectionStage::answerRefused);
  }

  private List<Inspecting> open(@Nullable Call call) {
    List<Inspecting> open = new ArrayList<>(answers.size());
    for (OfAnswers each : answers) {
      open.add(new Inspecting(each.inspector().name(), each.inspector().open(call), each.shadow()));
    }
    return open;
  }

  private @Nullable AnswerTransform inspection(
      @Nullable Call call, Operation operation, PassedBytes passed, Headers headers) {
    if (isCoded(headers)) {
      return changesAnswers ? new Unreadable(answers.get(0).inspector().name()) : null;
    }
    return new AnswerInspection(
        operation,
        ResponseMeters.framing(
            operation, call != null && call.stream(), headers.first("Content-Type")),
        open(call),
        inAnswers,
        InspectionStage::answerRefused,
        passed::passed);
  }

  private static boolean isCoded(Headers headers) {
    String coding = headers.first("Content-Encoding");
    return coding != null && !coding.isBlank() && !coding.strip().equalsIgnoreCase("identity");
  }

  private static Refusal answerRefused(String inspector, String kind) {
    boolean upstream = kind.equals(UNREADABLE) || kind.equals(UNDECIDED);
    return Refusal.of(
        upstream ? 502 : 403,
        reason(inspector, kind),
        "the content guard " + inspector + " does not let this answer pass: " + kind);
  }

  /** Lets nothing pass of an answer that nobody can read. */
  private record Unreadable(String inspector) implements AnswerTransform {
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    @Override
    public ByteBuffer apply(ByteBuffer piece) {
      piece.position(piece.limit());
      return NOTHING;
    }

    @Override
    public ByteBuffer end() {
      return NOTHING;
    }

    @Override
    public Refusal refusal() {
      return answerRefused(inspector, UNREADABLE);
    }
  }

  /** Collects inspectors, which are asked in the order in which they come. Not thread-safe. */
  public static final class Builder {
    private final List<OfPrompts> prompts = new ArrayList<>();
    private final List<OfAnswers> answers = new ArrayList<>();
    private InspectionListener listener = InspectionListener.NONE;

    private Builder() {}

    /** Asks an inspector about prompts. */
    public Builder prompts(PromptInspector inspector) {
      return prompts(inspector, false);
    }

    /**
     * Asks an inspector about prompts.
     *
     * @param shadow true to report what it says and do nothing about it
     */
    public Builder prompts(PromptInspector inspector, boolean shadow) {
      Names.check(inspector.name());
      prompts.add(new OfPrompts(inspector, shadow));
      return this;
    }

    /** Asks an inspector about answers. */
    public Builder answers(ResponseInspector inspector) {
      return answers(inspector, false);
    }

    /**
     * Asks an inspector about answers.
     *
     * @param shadow true to report what it says and do nothing about it
     */
    public Builder answers(ResponseInspector inspector, boolean shadow) {
      Names.check(inspector.name());
      answers.add(new OfAnswers(inspector, shadow));
      return this;
    }

    /** Who hears of what is found; nobody unless set. */
    public Builder listener(InspectionListener value) {
      listener = Objects.requireNonNull(value);
      return this;
    }

    /** True if no inspector was added. */
    public boolean isEmpty() {
      return prompts.isEmpty() && answers.isEmpty();
    }

    /** The stage. */
    public InspectionStage build() {
      return new InspectionStage(this);
    }
  }
}
