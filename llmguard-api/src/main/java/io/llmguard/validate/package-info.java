/** Answers a reverse proxy that asks whether a call may pass. */
@NullMarked
package io.llmguard.validate;

import org.jspecify.annotations.NullMarked;
