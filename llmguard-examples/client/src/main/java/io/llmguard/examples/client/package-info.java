/** Short programs with the typed client; each takes the server's URL and a model. */
@NullMarked
package io.llmguard.examples.client;

import org.jspecify.annotations.NullMarked;
