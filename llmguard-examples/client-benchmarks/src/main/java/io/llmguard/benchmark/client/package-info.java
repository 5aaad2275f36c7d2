/** What a streamed token costs in the typed client and in others. */
@NullMarked
package io.llmguard.benchmark.client;

import org.jspecify.annotations.NullMarked;
