/**
 * The guard in a Spring Boot application, of Boot 3.5 or 4.1, servlet or reactive: configured by
 * {@code llmguard.*}, with every bean replaceable. The two adapters add what stands in their stack.
 */
@org.jspecify.annotations.NullMarked
package io.llmguard.boot;
