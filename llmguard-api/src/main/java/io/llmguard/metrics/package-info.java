/**
 * What a guard does, as Micrometer meters.
 *
 * <p>{@link io.llmguard.metrics.LlmGuardMetrics} binds; {@link io.llmguard.metrics.MeterName} lists
 * every meter and {@link io.llmguard.metrics.MeterTag} every tag. No key, user or address is ever a
 * tag.
 */
@NullMarked
package io.llmguard.metrics;

import org.jspecify.annotations.NullMarked;
