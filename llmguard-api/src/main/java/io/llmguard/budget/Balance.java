package io.llmguard.budget;

/**
 * How an account stands in its window.
 *
 * @param spent what settled calls have spent
 * @param reserved what calls under way may still spend
 */
public record Balance(long spent, long reserved) {}
