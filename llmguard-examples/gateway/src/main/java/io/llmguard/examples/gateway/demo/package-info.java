/** An upstream of recorded answers, for a first look where no LLM server runs. */
@NullMarked
package io.llmguard.examples.gateway.demo;

import org.jspecify.annotations.NullMarked;
