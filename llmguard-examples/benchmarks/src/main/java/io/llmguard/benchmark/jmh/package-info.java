/** What the chain of stages costs in process. */
@NullMarked
package io.llmguard.benchmark.jmh;

import org.jspecify.annotations.NullMarked;
