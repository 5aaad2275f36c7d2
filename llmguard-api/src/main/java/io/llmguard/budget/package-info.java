/**
 * Prices, budgets and the ledger of what was spent.
 *
 * <p>A call reserves its worst case before it goes out and settles with what it used; the ledger
 * holds both against every budget at once. Amounts are whole numbers: billionths of a US dollar
 * ({@link io.llmguard.budget.NanoUsd}), or tokens.
 */
@NullMarked
package io.llmguard.budget;

import org.jspecify.annotations.NullMarked;
