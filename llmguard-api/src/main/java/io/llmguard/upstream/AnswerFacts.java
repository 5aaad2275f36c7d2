package io.llmguard.upstream;

import org.jspecify.annotations.Nullable;

/**
 * What is known about how a call was answered when the answer's head goes out.
 *
 * @param deployment the id of the deployment that answers, or null where no router named one
 * @param model the name of the models among which it was chosen, or null
 * @param attempts how many attempts there were, the last one included; 0 if none was made
 * @param fallbacks how many models were tried beside the one that was asked for
 * @param overheadNanos nanoseconds of the call's time that it spent here and not at an upstream:
 *     guarding it, waiting for a place and between attempts
 * @param nanos nanoseconds since the call came
 * @param whole true if the whole answer is there already, and what it used is known
 */
public record AnswerFacts(
    @Nullable String deployment,
    @Nullable String model,
    int attempts,
    int fallbacks,
    long overheadNanos,
    long nanos,
    boolean whole) {}
