/** What the clients are made of; not for use from outside. */
@NullMarked
package io.llmguard.ollama.internal;

import org.jspecify.annotations.NullMarked;
