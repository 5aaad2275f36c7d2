/** The gateway's command line. */
@NullMarked
package io.llmguard.examples.gateway.command;

import org.jspecify.annotations.NullMarked;
