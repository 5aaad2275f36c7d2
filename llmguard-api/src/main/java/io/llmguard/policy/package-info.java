/** What each path of each API does, which scope it takes, and which models a caller may name. */
@NullMarked
package io.llmguard.policy;

import org.jspecify.annotations.NullMarked;
