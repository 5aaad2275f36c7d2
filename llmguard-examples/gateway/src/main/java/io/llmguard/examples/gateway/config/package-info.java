/** The gateway's configuration: LiteLLM's file with llmguard's own settings in it. */
@NullMarked
package io.llmguard.examples.gateway.config;

import org.jspecify.annotations.NullMarked;
