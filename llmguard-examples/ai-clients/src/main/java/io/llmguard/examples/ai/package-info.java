/** The guard around the model calls of other clients. */
@org.jspecify.annotations.NullMarked
package io.llmguard.examples.ai;
