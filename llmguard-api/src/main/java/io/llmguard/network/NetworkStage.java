package io.llmguard.network;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import java.net.InetAddress;
import java.util.concurrent.CompletionStage;

/**
 * Lets a call pass if its caller's address is allowed and not denied; denying wins.
 *
 * <p>Refuses with 403 {@code network-denied}. The address is {@link Exchange#clientAddress}, so a
 * {@link ClientAddressStage} comes before where proxies stand in front.
 */
public final class NetworkStage implements Stage {
  private static final Refusal DENIED =
      Refusal.of(403, "network-denied", "calls from this network address are not allowed");

  private final CidrSet allowed;
  private final CidrSet denied;

  /**
   * A stage over two sets.
   *
   * @param allowed who may call; {@link CidrSet#ALL} for everybody, and an empty set for nobody
   * @param denied who may not, even if allowed
   */
  public NetworkStage(CidrSet allowed, CidrSet denied) {
    this.allowed = allowed;
    this.denied = denied;
  }

  @Override
  public String name() {
    return "network";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    InetAddress address = exchange.clientAddress();
    return denied.contains(address) || !allowed.contains(address)
        ? exchange.refuse(DENIED)
        : exchange.admit();
  }
}
