/** Not for users. */
@NullMarked
package io.llmguard.jdbc.internal;

import org.jspecify.annotations.NullMarked;
