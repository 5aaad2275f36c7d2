package io.llmguard.policy;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.Refusal;
import io.llmguard.RequestBody;
import io.llmguard.Stage;
import io.llmguard.policy.Endpoint.BodyKind;
import io.llmguard.wire.CheckedForm;
import io.llmguard.wire.FormReading;
import io.llmguard.wire.MalformedBody;
import io.llmguard.wire.MultipartReader;
import io.llmguard.wire.Spool;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * Reads a form while it goes to a file, bounded, and has exactly what was checked go upstream.
 *
 * <p>Forms carry the model's name behind a file of any size, so they cannot be judged before they
 * are whole. The file is deleted when the call is settled. Refuses with 408 {@code body-timeout},
 * 413 {@code body-too-large}, 415 {@code no-form} and {@code content-coding}, and 400 with {@code
 * body-incomplete} and the reasons of {@link MalformedBody}. Calls whose endpoint takes no form
 * pass.
 */
public final class FormStage implements Stage {
  /** The checked form, for who has something to change in it later. */
  public static final Exchange.Key<CheckedForm> CHECKED =
      new Exchange.Key<>("checked-form", CheckedForm.class);

  private static final Exchange.Key<Spool> SPOOL = new Exchange.Key<>("form-spool", Spool.class);

  private final Path directory;
  private final long maxBytes;

  /**
   * A stage.
   *
   * @param directory where forms are kept while they are judged and sent; made where it is missing
   * @param maxBytes the largest form, at least 1
   */
  public FormStage(Path directory, long maxBytes) {
    if (maxBytes < 1) {
      throw new IllegalArgumentException("the largest form has at least 1 byte: " + maxBytes);
    }
    this.directory = directory;
    this.maxBytes = maxBytes;
  }

  @Override
  public String name() {
    return "form";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    Endpoint endpoint = exchange.endpoint();
    if (endpoint == null || endpoint.body() != BodyKind.MULTIPART) {
      return exchange.admit();
    }
    String coding = exchange.request().headers().first("Content-Encoding");
    if (coding != null && !coding.strip().equalsIgnoreCase("identity")) {
      return exchange.refuse(
          Refusal.of(415, "content-coding", "send the form as it is, without a content coding"));
    }
    if (exchange.request().headers().contentLength() > maxBytes) {
      return exchange.refuse(tooLarge());
    }
    List<String> types = exchange.request().headers().all("Content-Type");
    MultipartReader reader = types.size() == 1 ? MultipartReader.create(types.get(0)) : null;
    if (reader == null) {
      return exchange.refuse(
          Refusal.of(415, "no-form", "send multipart/form-data with a boundary of plain letters"));
    }
    Reading reading = new Reading(exchange, reader);
    exchange.request().streamBody().subscribe(reading);
    return reading.decision;
  }

  private Refusal tooLarge() {
    return Refusal.of(413, "body-too-large", "the form is larger than " + maxBytes + " bytes");
  }

  @Override
  public void settle(Exchange exchange, Outcome outcome) {
    Spool spool = exchange.get(SPOOL);
    if (spool != null) {
      try {
        spool.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private final class Reading implements Flow.Subscriber<ByteBuffer> {
    private final CompletableFuture<Decision> decision = new CompletableFuture<>();
    private final Exchange exchange;
    private final MultipartReader reader;
    private @Nullable Spool spool;
    private Flow.@Nullable Subscription subscription;

    private Reading(Exchange exchange, MultipartReader reader) {
      this.exchange = exchange;
      this.reader = reader;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
      subscription = given;
      given.request(1);
    }

    @Override
    public void onNext(ByteBuffer bytes) {
      if (decision.isDone()) {
        return; // on its way when it was cancelled
      }
      if (exchange.completed()) {
        refuse(incomplete()); // its client has left, and nobody waits for it any more
        return;
      }
      try {
        MalformedBody malformed = reader.accept(bytes);
        if (malformed != null) {
          refuse(malformed.refusal());
        } else if (!spooled().write(bytes)) {
          refuse(tooLarge());
        } else if (subscription != null) {
          subscription.request(1);
        }
      } catch (IOException | RuntimeException e) {
        cancel();
        decision.completeExceptionally(e);
      }
    }

    /** The file, made where pieces come and not where the call was decided: making it blocks. */
    private Spool spooled() throws IOException {
      Spool known = spool;
      if (known == null) {
        known = Spool.create(directory, maxBytes);
        spool = known;
        exchange.put(SPOOL, known);
      }
      return known;
    }

    @Override
    public void onError(Throwable e) {
      decision.complete(new Decision.Refuse(BodyStage.refusalOf(e)));
    }

    @Override
    public void onComplete() {
      FormReading reading = reader.end();
      Spool whole = spool;
      if (reading instanceof MalformedBody malformed) {
        refuse(malformed.refusal());
      } else if (reading instanceof CheckedForm form && whole != null) {
        exchange.call(form.call());
        exchange.put(CHECKED, form);
        exchange.body(new RequestBody.InFile(whole.file(), whole.length()));
        decision.complete(new Decision.Admit(exchange));
      } else {
        refuse(incomplete());
      }
    }

    private static Refusal incomplete() {
      return Refusal.of(400, "body-incomplete", "there is no form in the body");
    }

    private void refuse(Refusal refusal) {
      cancel();
      decision.complete(new Decision.Refuse(refusal));
    }

    private void cancel() {
      if (subscription != null) {
        subscription.cancel();
      }
    }
  }
}
