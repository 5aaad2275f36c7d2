/**
 * The guard around calls that an application makes to an LLM server itself: no HTTP is guarded, but
 * models, ceilings, token limits and budgets hold, and the call is audited and measured.
 */
@org.jspecify.annotations.NullMarked
package io.llmguard.inprocess;
