/**
 * HTTP/1.1 for the typed clients, without a thread of its own between the socket and its reader.
 */
@NullMarked
package io.llmguard.ollama.internal.http;

import org.jspecify.annotations.NullMarked;
