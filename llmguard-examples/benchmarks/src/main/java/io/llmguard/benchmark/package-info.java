/** The end-to-end benchmark: starts the systems, loads them in turn, prints one table. */
@NullMarked
package io.llmguard.benchmark;

import org.jspecify.annotations.NullMarked;
