package io.llmguard;

import io.llmguard.wire.Usage;
import org.jspecify.annotations.Nullable;

/**
 * An attempt to have a call answered that failed, and that another one followed.
 *
 * @param group the name of the models among which its place was chosen, or null
 * @param deployment the id of its place, or null
 * @param status the status of its answer, or 0 without one
 * @param usage what its upstream reported, or null
 * @param outputEvents lines or events with output that came
 * @param responseBytes bytes of the answer's body that came
 * @param nanos nanoseconds from its going out to its end
 */
public record FailedAttempt(
    @Nullable String group,
    @Nullable String deployment,
    int status,
    @Nullable Usage usage,
    long outputEvents,
    long responseBytes,
    long nanos) {}
