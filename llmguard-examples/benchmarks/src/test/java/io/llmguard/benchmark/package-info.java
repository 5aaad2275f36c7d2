/** A short run of the benchmark's own parts. */
@NullMarked
package io.llmguard.benchmark;

import org.jspecify.annotations.NullMarked;
