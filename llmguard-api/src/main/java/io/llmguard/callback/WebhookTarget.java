package io.llmguard.callback;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llmguard.audit.AuditContent;
import io.llmguard.audit.AuditEvent;
import io.llmguard.budget.Budget;
import io.llmguard.budget.BudgetAlert;
import io.llmguard.budget.BudgetUnit;
import io.llmguard.budget.NanoUsd;
import io.llmguard.callback.internal.Events;
import io.llmguard.callback.internal.HttpPost;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * A webhook, signed as Standard Webhooks (standardwebhooks.com) say.
 *
 * <p>One request is {@code {"type":"llm.calls","timestamp":…,"data":{"calls":[…]}}}, or for the
 * alert of a budget {@code {"type":"llm.budget-alert","timestamp":…,"data":{…}}}, with the fields
 * {@code webhook-id}, the same however often it is sent, {@code webhook-timestamp} in seconds, and
 * {@code webhook-signature}: {@code v1,} and the HMAC-SHA256 of {@code id.timestamp.body} in base
 * 64. Any answer but 2xx is tried again, 410 is not.
 */
public final class WebhookTarget implements CallbackTarget {
  private static final String PREFIX = "whsec_";
  private static final String ALERT = "alert";
  private static final String ALERT_LINE = "{\"" + ALERT + "\":";
  private static final int MAX_BATCH = 500_000;

  private final HttpPost post;
  private final SecretKeySpec secret;

  /**
   * A webhook at this URI.
   *
   * @param secret {@code whsec_} and 24 to 64 random bytes in base 64
   * @throws IllegalArgumentException if the secret is not of that form
   */
  public WebhookTarget(URI uri, String secret) {
    this.post = new HttpPost(uri);
    this.secret = key(secret);
  }

  private static SecretKeySpec key(String secret) {
    byte[] bytes;
    try {
      bytes =
          Base64.getDecoder()
              .decode(secret.startsWith(PREFIX) ? secret.substring(PREFIX.length()) : "");
    } catch (IllegalArgumentException e) {
      // without the secret
      throw new IllegalArgumentException("a webhook's secret is whsec_ and base 64");
    }
    if (bytes.length < 24 || bytes.length > 64) {
      throw new IllegalArgumentException(
          "a webhook's secret is whsec_ and 24 to 64 bytes in base 64");
    }
    return new SecretKeySpec(bytes, "HmacSHA256");
  }

  @Override
  public String name() {
    return "webhook";
  }

  @Override
  public int maxBatchLength() {
    return MAX_BATCH;
  }

  @Override
  public String encode(CallReport report) {
    AuditEvent event = report.event();
    ObjectNode call = Events.object();
    call.put("id", event.id());
    call.put("ts", event.ts().toString());
    call.put("operation", report.operation().kind().genAiName());
    call.put("path", event.path());
    call.put("model", event.model());
    call.put("upstream", event.upstream());
    call.put("keyId", event.keyId());
    call.put("caller", event.caller());
    call.put("user", report.user());
    call.put("team", report.team());
    call.put("status", event.status());
    call.put("outcome", event.outcome().word());
    call.put("duration", event.duration());
    call.put("timeToFirstToken", event.timeToFirstToken());
    call.put("inputTokens", event.inputTokens());
    call.put("outputTokens", event.outputTokens());
    call.put("tokensEstimated", event.tokensEstimated());
    call.put("costUsd", event.costUsd());
    Events.retried(call, event);
    call.put("promptHash", event.promptHash());
    call.put("promptLength", event.promptLength());
    call.put("traceId", event.traceId());
    AuditContent content = event.content();
    if (content != null) {
      Events.put(call, "prompt", content.prompt());
      Events.put(call, "response", content.response());
    }
    return Events.line(call);
  }

  @Override
  public String encode(BudgetAlert alert) {
    Budget budget = alert.budget();
    boolean usd = budget.unit() == BudgetUnit.USD;
    Long alertAt = budget.alertAt();
    ObjectNode data = Events.object();
    data.put("ts", alert.at().toString());
    data.put("scope", budget.scope().name().toLowerCase(Locale.ROOT));
    Events.put(data, "subject", alert.subject().isEmpty() ? null : alert.subject());
    Events.put(data, "models", budget.onlyModels());
    data.put("window", budget.window().id());
    data.put("unit", usd ? "usd" : "tokens");
    amount(data, "spent", alert.spent(), usd);
    amount(data, "alertAt", alertAt == null ? 0 : alertAt, usd);
    if (budget.enforced()) {
      amount(data, "budget", budget.amount(), usd);
    }
    ObjectNode line = Events.object();
    line.set(ALERT, data);
    return Events.line(line);
  }

  private static void amount(ObjectNode into, String name, long amount, boolean usd) {
    if (usd) {
      into.put(name, NanoUsd.toUsd(amount));
    } else {
      into.put(name, amount);
    }
  }

  @Override
  public int send(List<String> reports) throws IOException {
    List<String> calls = new ArrayList<>();
    int refused = 0;
    for (String report : reports) {
      if (report.startsWith(ALERT_LINE)) {
        String data = report.substring(ALERT_LINE.length(), report.length() - 1);
        refused += post("llm.budget-alert", data, data) ? 0 : 1;
      } else {
        calls.add(report);
      }
    }
    if (!calls.isEmpty()) {
      String all = String.join(",", calls);
      refused += post("llm.calls", all, "{\"calls\":[" + all + "]}") ? 0 : calls.size();
    }
    return refused;
  }

  /**
   * Sends one message, with an id that is the digest of what makes it; false if it is refused for
   * good.
   */
  private boolean post(String type, String identity, String data) throws IOException {
    String id = "msg_" + digest(identity);
    Instant now = Instant.now();
    String body = "{\"type\":\"" + type + "\",\"timestamp\":\"" + now + "\",\"data\":" + data + "}";
    long seconds = now.getEpochSecond();
    int status =
        post.send(
                body.getBytes(StandardCharsets.UTF_8),
                Map.of(
                    "webhook-id",
                    id,
                    "webhook-timestamp",
                    Long.toString(seconds),
                    "webhook-signature",
                    sign(id, seconds, body)))
            .statusCode();
    if (status == 410) {
      return false;
    }
    if (status < 200 || status > 299) {
      throw new CallbackException("answered " + status);
    }
    return true;
  }

  /** The signature of a message. */
  String sign(String id, long seconds, String body) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(secret);
      String signed = id + "." + seconds + "." + body;
      return "v1,"
          + Base64.getEncoder()
              .encodeToString(mac.doFinal(signed.getBytes(StandardCharsets.UTF_8)));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has HmacSHA256", e);
    }
  }

  private static String digest(String text) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash, 0, 16);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
