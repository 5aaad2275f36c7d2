/** Not for users. */
@NullMarked
package io.llmguard.admin.internal;

import org.jspecify.annotations.NullMarked;
