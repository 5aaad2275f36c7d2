/** A chat in the terminal. */
@NullMarked
package io.llmguard.examples.gateway.chat;

import org.jspecify.annotations.NullMarked;
