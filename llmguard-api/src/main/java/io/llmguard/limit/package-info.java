/** Rate, token and concurrency limits. */
@NullMarked
package io.llmguard.limit;

import org.jspecify.annotations.NullMarked;
