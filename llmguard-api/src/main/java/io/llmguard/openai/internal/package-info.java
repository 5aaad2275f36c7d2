/** What the client of OpenAI-compatible servers is made of; not for use from outside. */
@NullMarked
package io.llmguard.openai.internal;

import org.jspecify.annotations.NullMarked;
