/** From plain settings to a standing guard: what programs and frameworks share who read them. */
@org.jspecify.annotations.NullMarked
package io.llmguard.assembly;
