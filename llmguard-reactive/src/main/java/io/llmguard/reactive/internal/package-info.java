/** What stands between WebFlux and the engine. */
@NullMarked
package io.llmguard.reactive.internal;

import org.jspecify.annotations.NullMarked;
