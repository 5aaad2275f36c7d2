package io.llmguard.assembly;

import io.llmguard.Stage;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.policy.BodyPolicy;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.EndpointStage;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The stages of a whole guard, each made once: there is no other list of them, whoever asks for a
 * guard and in which words.
 *
 * @param observers see every call to its end
 * @param clientAddress finds the caller's address, or null to take an earlier guard's finding
 * @param transport judges TLS and host names
 * @param network judges addresses
 * @param addressLimit limits addresses
 * @param authentication finds who calls
 * @param callerLimits limit callers
 * @param bodies reads and judges bodies
 * @param inspection judges what prompts and answers say, or null
 * @param usageLimits limit what calls use
 * @param budgets holds what calls may cost, or null
 */
record StageList(
    List<Stage> observers,
    @Nullable Stage clientAddress,
    Stage transport,
    Stage network,
    Stage addressLimit,
    Stage authentication,
    List<Stage> callerLimits,
    BodyPolicy bodies,
    @Nullable Stage inspection,
    List<Stage> usageLimits,
    @Nullable Stage budgets) {
  StageList {
    observers = List.copyOf(observers);
    callerLimits = List.copyOf(callerLimits);
    usageLimits = List.copyOf(usageLimits);
  }

  /** Judges calls to the end. */
  StandardGuard.Builder forCalls(EndpointCatalogue catalogue) {
    StandardGuard.Builder guard = forCallers();
    guard.stage(Place.ENDPOINT, new EndpointStage(catalogue));
    addCallerLimits(guard);
    addBodies(guard);
    return guard;
  }

  /** Judges who calls, and from where. */
  StandardGuard.Builder forCallers() {
    StandardGuard.Builder guard = StandardGuard.builder();
    addObservers(guard);
    if (clientAddress != null) {
      guard.stage(Place.CLIENT_ADDRESS, clientAddress);
    }
    guard.stage(Place.TRANSPORT, transport);
    guard.stage(Place.NETWORK, network);
    guard.stage(Place.ADDRESS_LIMIT, addressLimit);
    guard.stage(Place.AUTHENTICATION, authentication);
    return guard;
  }

  void addObservers(StandardGuard.Builder guard) {
    observers.forEach(stage -> guard.stage(Place.OBSERVE, stage));
  }

  void addCallerLimits(StandardGuard.Builder guard) {
    callerLimits.forEach(stage -> guard.stage(Place.CALLER_LIMIT, stage));
  }

  /** All that follows from what a body asks for. */
  void addBodies(StandardGuard.Builder guard) {
    bodies.addTo(guard);
    if (inspection != null) {
      guard.stage(Place.CONTENT, inspection);
    }
    usageLimits.forEach(stage -> guard.stage(Place.USAGE_LIMIT, stage));
    if (budgets != null) {
      guard.stage(Place.BUDGET, budgets);
    }
  }
}
