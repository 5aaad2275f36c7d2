/**
 * Administration over HTTP: keys, models, health and spend, by the field names that scripts written
 * for LiteLLM use. Independent of any framework; an adapter hands the calls over.
 */
@NullMarked
package io.llmguard.admin;

import org.jspecify.annotations.NullMarked;
