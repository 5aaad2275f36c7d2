/** The running gateway: guard, proxy and listeners, put together from a configuration. */
@NullMarked
package io.llmguard.examples.gateway.server;

import org.jspecify.annotations.NullMarked;
