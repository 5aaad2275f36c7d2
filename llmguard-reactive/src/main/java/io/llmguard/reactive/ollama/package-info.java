/** The reactive face of the typed Ollama client. */
@NullMarked
package io.llmguard.reactive.ollama;

import org.jspecify.annotations.NullMarked;
