/** Jakarta Servlet filters, one for each guard and one for the whole, and the streaming proxy. */
@NullMarked
package io.llmguard.servlet;

import org.jspecify.annotations.NullMarked;
