/** The reactive filters and handlers, over real sockets. */
@NullMarked
package io.llmguard.reactive;

import org.jspecify.annotations.NullMarked;
