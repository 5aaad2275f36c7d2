/** Who calls: authenticators turn a credential into a {@link io.llmguard.auth.Caller}. */
@NullMarked
package io.llmguard.auth;

import org.jspecify.annotations.NullMarked;
