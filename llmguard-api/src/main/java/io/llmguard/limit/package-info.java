/**
 * Rate, token and concurrency limits.
 *
 * <p>Each limit has a bucket of its own: requests and tokens never share one. A stage checks all
 * the limits that it knows before it charges any, and gives a charge back when a later stage
 * refuses the call; only the charge of the caller's address stays.
 */
@NullMarked
package io.llmguard.limit;

import org.jspecify.annotations.NullMarked;
