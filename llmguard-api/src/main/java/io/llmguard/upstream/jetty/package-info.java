/** Calls to upstreams through Jetty's HTTP client; needs {@code org.eclipse.jetty:jetty-client}. */
@NullMarked
package io.llmguard.upstream.jetty;

import org.jspecify.annotations.NullMarked;
