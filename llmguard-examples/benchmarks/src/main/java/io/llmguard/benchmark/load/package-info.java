/** A closed-loop HTTP/1.1 load generator on one thread. */
@NullMarked
package io.llmguard.benchmark.load;

import org.jspecify.annotations.NullMarked;
