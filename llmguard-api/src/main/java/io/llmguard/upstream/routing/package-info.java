/**
 * Models by the names that clients use, and the choice among the servers that have them: limits,
 * health, waiting, fallbacks.
 */
@NullMarked
package io.llmguard.upstream.routing;

import org.jspecify.annotations.NullMarked;
