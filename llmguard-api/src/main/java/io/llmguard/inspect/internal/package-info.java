/** Not for users: may change at any time. */
@NullMarked
package io.llmguard.inspect.internal;

import org.jspecify.annotations.NullMarked;
