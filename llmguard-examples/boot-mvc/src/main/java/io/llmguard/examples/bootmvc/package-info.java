/** A Spring MVC application that asks a model, with the guard added. */
@org.jspecify.annotations.NullMarked
package io.llmguard.examples.bootmvc;
