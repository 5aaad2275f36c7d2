/** A small typed client of OpenAI-compatible servers: LocalAI, llama.cpp, vLLM, Ollama itself. */
@NullMarked
package io.llmguard.openai;

import org.jspecify.annotations.NullMarked;
