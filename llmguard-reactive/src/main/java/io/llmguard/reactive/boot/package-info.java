/**
 * The WebFlux guard in a Spring Boot application, of Boot 3.5 or 4.1: configured by {@code
 * llmguard.*}, with every bean replaceable.
 */
@org.jspecify.annotations.NullMarked
package io.llmguard.reactive.boot;
