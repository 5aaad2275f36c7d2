/** The gateway program: llmguard's parts put together behind a command line. */
@NullMarked
package io.llmguard.examples.gateway;

import org.jspecify.annotations.NullMarked;
