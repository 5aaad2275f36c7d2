/** Tests of upstreams, over real sockets. */
@NullMarked
package io.llmguard.upstream;

import org.jspecify.annotations.NullMarked;
