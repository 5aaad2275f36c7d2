@org.jspecify.annotations.NullMarked
package io.llmguard.assembly;
