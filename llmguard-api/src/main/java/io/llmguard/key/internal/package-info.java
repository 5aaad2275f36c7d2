/** Not for users. */
@NullMarked
package io.llmguard.key.internal;

import org.jspecify.annotations.NullMarked;
