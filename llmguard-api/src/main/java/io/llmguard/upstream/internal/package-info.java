/** The parts that the transports share. */
@NullMarked
package io.llmguard.upstream.internal;

import org.jspecify.annotations.NullMarked;
