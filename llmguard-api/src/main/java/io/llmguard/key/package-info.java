/**
 * API keys: their format and hash, the records kept of them, and the stores that keep the records.
 */
@NullMarked
package io.llmguard.key;

import org.jspecify.annotations.NullMarked;
