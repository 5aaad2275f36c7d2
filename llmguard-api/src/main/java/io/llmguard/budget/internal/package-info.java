/** What users of the budgets must not touch. */
@NullMarked
package io.llmguard.budget.internal;

import org.jspecify.annotations.NullMarked;
