/**
 * The typed client of Ollama's native API. {@link io.llmguard.ollama.OllamaClient} is the front
 * door; the records beside it are the requests and responses, field by field; every failure is an
 * {@link io.llmguard.ollama.OllamaException}.
 */
@NullMarked
package io.llmguard.ollama;

import org.jspecify.annotations.NullMarked;
