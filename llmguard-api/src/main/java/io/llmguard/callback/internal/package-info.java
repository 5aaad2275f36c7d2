/** Not for users. */
@NullMarked
package io.llmguard.callback.internal;

import org.jspecify.annotations.NullMarked;
