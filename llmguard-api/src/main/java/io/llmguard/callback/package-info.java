/**
 * Reports of calls that have ended, for systems that observe LLM traffic: Langfuse, OpenTelemetry,
 * a webhook, or what an application brings.
 */
@NullMarked
package io.llmguard.callback;

import org.jspecify.annotations.NullMarked;
