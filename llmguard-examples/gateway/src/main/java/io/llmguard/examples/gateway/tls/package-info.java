/** TLS of the gateway's listeners, from PEM files that may be renewed while it runs. */
@NullMarked
package io.llmguard.examples.gateway.tls;

import org.jspecify.annotations.NullMarked;
