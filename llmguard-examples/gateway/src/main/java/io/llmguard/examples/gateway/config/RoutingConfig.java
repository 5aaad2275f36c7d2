package io.llmguard.examples.gateway.config;

import io.llmguard.upstream.routing.AffinityKey;
import io.llmguard.wire.Parameters;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How calls find a server.
 *
 * @param strategy what chooses among the deployments of a name
 * @param latencyBuffer see {@code lowest_latency_buffer}
 * @param retries how often a call is tried again for a name
 * @param retryAfter what no wait before the same server is asked again is shorter than
 * @param retryWithin a failure that took longer is not tried again; null for any
 * @param allowedFails failures in a minute that begin no cool-down
 * @param cooldown how long a server that fails is left alone
 * @param refuseWhileCooling true to refuse calls while every server of a name is left alone
 * @param fallbacks names to go to where every attempt at one has failed
 * @param defaultFallbacks the same for names without any of their own
 * @param aliases further names, and what they stand for
 * @param queueSize how many calls may wait for a name
 * @param queueWait how long a call may wait
 * @param priorities priorities of callers by name or key id, for those that have none of their own;
 *     0 for the others
 * @param halfLife after how long the time that a caller has used counts half as much
 * @param affinity how long a silent conversation keeps its server; null for none
 * @param affinityBy by what calls keep their server
 * @param probes in which intervals servers are asked what they have; null for never
 * @param preferLoaded true to ask a server first that has the model loaded
 * @param parameters what is decided in place of callers, whatever the model
 * @param litellmHeaders true to answer with LiteLLM's fields too
 */
public record RoutingConfig(
    Strategy strategy,
    double latencyBuffer,
    int retries,
    Duration retryAfter,
    @Nullable Duration retryWithin,
    int allowedFails,
    Duration cooldown,
    boolean refuseWhileCooling,
    Map<String, List<String>> fallbacks,
    List<String> defaultFallbacks,
    Map<String, String> aliases,
    int queueSize,
    Duration queueWait,
    Map<String, Integer> priorities,
    Duration halfLife,
    @Nullable Duration affinity,
    AffinityKey affinityBy,
    @Nullable Duration probes,
    boolean preferLoaded,
    Parameters parameters,
    boolean litellmHeaders) {

  /** Copies the collections. */
  public RoutingConfig {
    fallbacks = Map.copyOf(fallbacks);
    defaultFallbacks = List.copyOf(defaultFallbacks);
    aliases = Map.copyOf(aliases);
    priorities = Map.copyOf(priorities);
  }

  /** What chooses among the deployments of a name. */
  public enum Strategy {
    /** By weight. */
    SIMPLE_SHUFFLE,
    /** The fewest calls under way. */
    LEAST_BUSY,
    /** The fewest tokens in this minute. */
    USAGE_BASED_ROUTING,
    /** The same: LiteLLM's second version of it. */
    USAGE_BASED_ROUTING_V2,
    /** The least time for a token. */
    LATENCY_BASED_ROUTING
  }
}
