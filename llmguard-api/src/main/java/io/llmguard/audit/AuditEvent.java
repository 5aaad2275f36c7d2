package io.llmguard.audit;

import io.llmguard.Exchange;
import io.llmguard.Outcome;
import io.llmguard.auth.Caller;
import io.llmguard.key.ApiKey;
import io.llmguard.wire.Call;
import io.llmguard.wire.PromptDigest;
import io.llmguard.wire.Usage;
import java.math.BigDecimal;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What the audit trail keeps of one call; the components stand in the order of the line's fields.
 *
 * @param ts when the call came; ISO-8601 in UTC with milliseconds in the line
 * @param id the call's id
 * @param apiKey hex SHA-256 of the presented credential, good or not, or null when there was none
 * @param keyId id of the key's record, or null
 * @param caller the caller's name, or null when nobody was authenticated
 * @param ip the caller's address, behind trusted proxies
 * @param method the method
 * @param path the normalised path, or the raw one in calls refused before; never the query
 * @param target what the call was about beside its path, such as the id of the key that an
 *     administrator changed; the line has it only where there is one
 * @param model the model as the call named it, or null
 * @param upstream the upstream's name, or null when none was chosen
 * @param promptHash digest of the prompt in hex, or null where none was read
 * @param promptLength length of the prompt in UTF-16 code units, or null where none was read
 * @param duration milliseconds from the call's coming to its end
 * @param timeToFirstToken milliseconds from the call's coming to the answer's first byte, or null
 *     without one
 * @param status the status of the answer; 499 when the client left before its head
 * @param outcome how the call ended
 * @param inputTokens tokens of the prompt, or null where unknown
 * @param outputTokens tokens that were generated, or null where unknown
 * @param tokensEstimated true if the tokens are an estimate; the line then has {@code
 *     "tokensEstimated":true} after them
 * @param costUsd what the call cost in US dollars, or null where nothing is reckoned
 * @param retries how often the call was tried again
 * @param retried what the attempts have used that failed out of the client's sight and that others
 *     followed, which is paid but is no part of {@code inputTokens} and {@code outputTokens}; the
 *     line has it, as {@code retriedInputTokens} and {@code retriedOutputTokens}, only where there
 *     is something
 * @param traceId the W3C trace id, or null
 * @param content prompt and response, only where the operator turned that on
 */
public record AuditEvent(
    Instant ts,
    String id,
    @Nullable String apiKey,
    @Nullable String keyId,
    @Nullable String caller,
    InetAddress ip,
    String method,
    String path,
    @Nullable String target,
    @Nullable String model,
    @Nullable String upstream,
    @Nullable String promptHash,
    @Nullable Long promptLength,
    long duration,
    @Nullable Long timeToFirstToken,
    int status,
    Outcome outcome,
    @Nullable Long inputTokens,
    @Nullable Long outputTokens,
    boolean tokensEstimated,
    @Nullable BigDecimal costUsd,
    int retries,
    @Nullable Usage retried,
    @Nullable String traceId,
    @Nullable AuditContent content) {

  /** Under what a budget keeps the cost of a call, in US dollars, before the call is audited. */
  public static final Exchange.Key<BigDecimal> COST_USD =
      new Exchange.Key<>("costUsd", BigDecimal.class);

  /** Under what a budget keeps what failed attempts have used, before the call is audited. */
  public static final Exchange.Key<Usage> RETRIED = new Exchange.Key<>("retried", Usage.class);

  /** Under what a call keeps what it was about beside its path; never a credential. */
  public static final Exchange.Key<String> TARGET = new Exchange.Key<>("target", String.class);

  private static final InetAddress NOWHERE = new InetSocketAddress(0).getAddress();
  private static final Pattern KEYS = Pattern.compile(ApiKey.PATTERN);
  private static final long NANOS_PER_MILLI = 1_000_000;

  /** What is known of a call that has ended. */
  public static AuditEvent of(Exchange exchange, Outcome outcome, @Nullable AuditContent content) {
    Caller caller = exchange.caller();
    Call call = exchange.call();
    PromptDigest prompt = call == null ? null : call.prompt();
    Usage usage = exchange.usage();
    long firstByte = exchange.firstByteNanos();
    return new AuditEvent(
        exchange.startedAt(),
        exchange.id(),
        exchange.credentialHash(),
        caller == null ? null : caller.keyId(),
        caller == null ? null : caller.getName(),
        exchange.clientAddress(),
        exchange.method(),
        withoutKeys(exchange.path()),
        exchange.get(TARGET),
        call == null ? null : call.model(),
        exchange.upstream(),
        prompt == null ? null : prompt.hash(),
        prompt == null ? null : (Long) prompt.length(),
        exchange.durationNanos() / NANOS_PER_MILLI,
        firstByte < 0 ? null : (Long) (firstByte / NANOS_PER_MILLI),
        exchange.status(),
        outcome,
        usage == null ? null : (Long) usage.inputTokens(),
        usage == null ? null : (Long) usage.outputTokens(),
        usage != null && usage.estimated(),
        exchange.get(COST_USD),
        exchange.retries(),
        exchange.get(RETRIED),
        exchange.traceId(),
        content);
  }

  /** The same without who called: hash and id of the key, name, and address. */
  public AuditEvent withoutCaller() {
    return new AuditEvent(
        ts,
        id,
        null,
        null,
        null,
        NOWHERE,
        method,
        path,
        target,
        model,
        upstream,
        promptHash,
        promptLength,
        duration,
        timeToFirstToken,
        status,
        outcome,
        inputTokens,
        outputTokens,
        tokensEstimated,
        costUsd,
        retries,
        retried,
        traceId,
        content);
  }

  /** The path without the keys that a caller has put into it by mistake. */
  private static String withoutKeys(String path) {
    return path.contains("sk-") ? KEYS.matcher(path).replaceAll("sk-…") : path;
  }

  /** The id and the end only: the rest is for the trail. */
  @Override
  public String toString() {
    return "AuditEvent[" + id + " " + status + " " + outcome.word() + "]";
  }
}
