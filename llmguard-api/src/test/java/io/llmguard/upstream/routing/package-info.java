/** Tests of the choice among deployments. */
@NullMarked
package io.llmguard.upstream.routing;

import org.jspecify.annotations.NullMarked;
