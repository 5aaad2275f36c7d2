/**
 * Who is at the other end and how the call came: address blocks, trusted proxies, transport rules.
 */
@NullMarked
package io.llmguard.network;

import org.jspecify.annotations.NullMarked;
