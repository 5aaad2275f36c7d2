/** WebFlux filters, one for each guard and one for the whole, and the streaming proxy. */
@NullMarked
package io.llmguard.reactive;

import org.jspecify.annotations.NullMarked;
