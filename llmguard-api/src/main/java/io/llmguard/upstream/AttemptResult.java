package io.llmguard.upstream;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How an attempt to have a call answered went.
 *
 * @param failure why it failed, or null if an answer came whole; {@link
 *     UpstreamFailure.Kind#CANCELLED} where it is not the upstream's fault, as the client left
 * @param status the answer's status, or 0 without one
 * @param headNanos nanoseconds from the attempt's begin to the answer's head, or -1 without one
 * @param nanos nanoseconds from the attempt's begin to its end
 * @param retryAfter how long the upstream wants to be left alone, or null if it did not say
 */
public record AttemptResult(
    @Nullable UpstreamFailure failure,
    int status,
    long headNanos,
    long nanos,
    @Nullable Duration retryAfter) {}
