/** A Spring WebFlux application that asks a model, with the guard added. */
@org.jspecify.annotations.NullMarked
package io.llmguard.examples.bootwebflux;
