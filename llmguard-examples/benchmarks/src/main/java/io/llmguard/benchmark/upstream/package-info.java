/** An LLM server that answers at once, and the key check that nginx asks. */
@NullMarked
package io.llmguard.benchmark.upstream;

import org.jspecify.annotations.NullMarked;
