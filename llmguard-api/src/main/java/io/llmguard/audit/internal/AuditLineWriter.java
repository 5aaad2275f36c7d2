package io.llmguard.audit.internal;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.StreamWriteFeature;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import io.llmguard.audit.AuditContent;
import io.llmguard.audit.AuditEvent;
import io.llmguard.wire.Usage;
import java.io.IOException;
import java.math.BigDecimal;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Writes audit events as lines of JSON, with or without the chain. Not thread-safe.
 *
 * <p>Lines are pure ASCII: whatever a caller sends is escaped, so that no reader of lines can see a
 * break (U+0085, U+2028) or a terminal sequence in a value.
 */
public final class AuditLineWriter {
  private static final int MAX_TEXT = 256;
  private static final int MAX_PATH = 2048;
  private static final int MAX_CONTENT = 1 << 20;
  private static final DateTimeFormatter TIME =
      new DateTimeFormatterBuilder().appendInstant(3).toFormatter().withZone(ZoneOffset.UTC);

  private final JsonFactory factory =
      JsonFactory.builder()
          .enable(JsonWriteFeature.ESCAPE_NON_ASCII)
          .enable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN)
          .disable(StreamWriteFeature.AUTO_CLOSE_CONTENT)
          .build();
  private final LineBuffer lines = new LineBuffer();
  private final ChainDigest digest = new ChainDigest();

  /** Forgets the lines that were written. */
  public void reset() {
    lines.reset();
  }

  /** The lines since the last {@link #reset}, each ended by a line feed; valid until it. */
  public LineBuffer lines() {
    return lines;
  }

  /**
   * Appends the line of an event to {@link #lines}.
   *
   * @param prev the hash of the line before, or null for a line outside any chain
   * @return the line's own hash, or the empty string outside any chain
   */
  public String append(AuditEvent event, @Nullable String prev) throws IOException {
    return line(prev, json -> fields(json, event));
  }

  /**
   * Appends a line that says something about the trail itself.
   *
   * @param ts when
   * @param marker what happened, in words joined by hyphens
   * @param details writes more fields
   */
  public String appendMarker(
      Instant ts, String marker, @Nullable String prev, Consumer<MarkerFields> details)
      throws IOException {
    return line(
        prev,
        json -> {
          json.writeStringField("ts", TIME.format(ts));
          json.writeStringField("marker", marker);
          MarkerFields fields = new MarkerFields();
          details.accept(fields);
          fields.writeTo(json);
        });
  }

  private interface Fields {
    void write(JsonGenerator json) throws IOException;
  }

  private String line(@Nullable String prev, Fields fields) throws IOException {
    int start = lines.size();
    try (JsonGenerator json = factory.createGenerator(lines)) {
      json.writeStartObject();
      fields.write(json);
      String hash = "";
      if (prev != null) {
        json.writeStringField("prev", prev);
        json.flush();
        hash = digest.hash(lines.bytes(), start, lines.size());
        json.writeStringField("hash", hash);
      }
      json.writeEndObject();
      json.flush();
      lines.write('\n');
      return hash;
    } catch (IOException | RuntimeException e) {
      lines.truncate(start);
      throw e;
    }
  }

  private static void fields(JsonGenerator json, AuditEvent event) throws IOException {
    json.writeStringField("ts", TIME.format(event.ts()));
    text(json, "id", event.id(), MAX_TEXT);
    text(json, "apiKey", event.apiKey(), MAX_TEXT);
    text(json, "keyId", event.keyId(), MAX_TEXT);
    text(json, "caller", event.caller(), MAX_TEXT);
    json.writeStringField("ip", AddressText.of(event.ip()));
    text(json, "method", event.method(), MAX_TEXT);
    text(json, "path", event.path(), MAX_PATH);
    if (event.target() != null) {
      text(json, "target", event.target(), MAX_PATH);
    }
    text(json, "model", event.model(), MAX_TEXT);
    text(json, "upstream", event.upstream(), MAX_TEXT);
    text(json, "promptHash", event.promptHash(), MAX_TEXT);
    number(json, "promptLength", event.promptLength());
    json.writeNumberField("duration", event.duration());
    number(json, "timeToFirstToken", event.timeToFirstToken());
    json.writeNumberField("status", event.status());
    text(json, "outcome", event.outcome().word(), MAX_TEXT);
    number(json, "inputTokens", event.inputTokens());
    number(json, "outputTokens", event.outputTokens());
    if (event.tokensEstimated()) {
      json.writeBooleanField("tokensEstimated", true);
    }
    json.writeFieldName("costUsd");
    BigDecimal cost = event.costUsd();
    if (cost == null) {
      json.writeNull();
    } else {
      json.writeNumber(cost);
    }
    json.writeNumberField("retries", event.retries());
    Usage retried = event.retried();
    if (retried != null) {
      json.writeNumberField("retriedInputTokens", retried.inputTokens());
      json.writeNumberField("retriedOutputTokens", retried.outputTokens());
    }
    text(json, "traceId", event.traceId(), MAX_TEXT);
    AuditContent content = event.content();
    if (content != null) {
      text(json, "prompt", content.prompt(), MAX_CONTENT);
      text(json, "response", content.response(), MAX_CONTENT);
    }
  }

  private static void number(JsonGenerator json, String name, @Nullable Long value)
      throws IOException {
    json.writeFieldName(name);
    if (value == null) {
      json.writeNull();
    } else {
      json.writeNumber(value);
    }
  }

  private static void text(JsonGenerator json, String name, @Nullable String value, int max)
      throws IOException {
    json.writeFieldName(name);
    if (value == null) {
      json.writeNull();
    } else {
      json.writeString(BoundedText.of(value, max));
    }
  }
}
