/** Upstreams: how a checked call reaches an LLM server and how its answer comes back. */
@NullMarked
package io.llmguard.upstream;

import org.jspecify.annotations.NullMarked;
