package io.llmguard.network;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.GuardRequest;
import io.llmguard.Refusal;
import io.llmguard.Stage;
import io.llmguard.network.ClientAddressResolver.Client;
import java.util.concurrent.CompletionStage;

/**
 * Sets {@link Exchange#clientAddress} and {@link Exchange#secure}; comes before every stage that
 * asks for them.
 *
 * <p>Refuses with 400 {@code forwarded-conflict} a call from a trusted proxy whose {@code
 * Forwarded} and {@code X-Forwarded-For} name different callers: to take the proxy's own address
 * instead would let a caller choose to be seen as the proxy.
 */
public final class ClientAddressStage implements Stage {
  private final ClientAddressResolver resolver;

  /** A stage over a resolver. */
  public ClientAddressStage(ClientAddressResolver resolver) {
    this.resolver = resolver;
  }

  @Override
  public String name() {
    return "client-address";
  }

  @Override
  public CompletionStage<Decision> decide(Exchange exchange) {
    GuardRequest request = exchange.request();
    Client client = resolver.resolve(request.peer(), request.secure(), request.headers());
    exchange.clientAddress(client.address());
    exchange.secure(client.secure());
    if (client.conflict()) {
      return exchange.refuse(
          Refusal.of(
              400,
              "forwarded-conflict",
              "Forwarded and X-Forwarded-For name different callers; the proxy in front must remove"
                  + " the one that it does not write"));
    }
    return exchange.admit();
  }
}
