/** How audit lines and their chain are written and read. */
@NullMarked
package io.llmguard.audit.internal;

import org.jspecify.annotations.NullMarked;
