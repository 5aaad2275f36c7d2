/**
 * The contract on one page: an adapter hands a {@code GuardRequest} to a {@code Guard}, whose
 * stages admit or refuse it.
 */
@NullMarked
package io.llmguard;

import org.jspecify.annotations.NullMarked;
