package io.llmguard;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * What an answer may be at most, whatever the upstream does.
 *
 * @param outputTokens tokens of a stream, counted by its events and by what the upstream reports
 * @param upstreamTime how long upstreams may work on the call in all, or null for no bound
 */
public record AnswerCeiling(long outputTokens, @Nullable Duration upstreamTime) {}
