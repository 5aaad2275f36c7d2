/** How calls are read from and written to a servlet container; not for use by applications. */
@NullMarked
package io.llmguard.servlet.internal;

import org.jspecify.annotations.NullMarked;
