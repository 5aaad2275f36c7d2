package io.llmguard.budget;

import org.jspecify.annotations.Nullable;

/**
 * What the calls of one group have spent.
 *
 * @param group the caller's id, the team, …, the day as {@code 2026-11-23}; null for calls that
 *     have none, and where all are in one sum
 * @param name for a caller the name for people, else the same as the group
 * @param calls how many calls
 * @param inputTokens tokens of prompts
 * @param outputTokens tokens that were generated
 * @param costNanoUsd the cost in billionths of a US dollar
 * @param estimatedCalls of how many calls the tokens are an estimate
 */
public record SpendSum(
    @Nullable String group,
    @Nullable String name,
    long calls,
    long inputTokens,
    long outputTokens,
    long costNanoUsd,
    long estimatedCalls) {}
