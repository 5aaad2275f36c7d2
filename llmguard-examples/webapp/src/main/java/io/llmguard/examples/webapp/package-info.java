/** A plain web application that asks an LLM; its guards are in web.xml, or in one listener. */
@NullMarked
package io.llmguard.examples.webapp;

import org.jspecify.annotations.NullMarked;
