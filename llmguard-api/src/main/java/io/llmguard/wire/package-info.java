/** The dialects of LLM servers: what a request asks for and what a response used. */
@NullMarked
package io.llmguard.wire;

import org.jspecify.annotations.NullMarked;
