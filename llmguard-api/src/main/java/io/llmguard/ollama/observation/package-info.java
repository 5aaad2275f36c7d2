/** The client's calls as Micrometer observations; needs {@code micrometer-observation}. */
@NullMarked
package io.llmguard.ollama.observation;

import org.jspecify.annotations.NullMarked;
