/** What both adapters say in the same words. */
@org.jspecify.annotations.NullMarked
package io.llmguard.boot.internal;
