package io.llmguard.admin;

import org.jspecify.annotations.Nullable;

/**
 * Whether the server of a model answers.
 *
 * @param model the model
 * @param error why it is not healthy, in words that hold no secret, or null if it is
 */
public record EndpointHealth(AdminModel model, @Nullable String error) {}
