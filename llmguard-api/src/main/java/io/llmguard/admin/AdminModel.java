package io.llmguard.admin;

import java.math.BigDecimal;
import org.jspecify.annotations.Nullable;

/**
 * A model that clients may name, and where it is.
 *
 * @param name the name that clients use
 * @param model the upstream's own name behind its provider, such as {@code ollama/mistral}
 * @param apiBase the base URL of the server; holds no credential
 * @param inputCostPerToken US dollars for each token of a prompt, or null without a price
 * @param outputCostPerToken US dollars for each generated token, or null without a price
 */
public record AdminModel(
    String name,
    String model,
    String apiBase,
    @Nullable BigDecimal inputCostPerToken,
    @Nullable BigDecimal outputCostPerToken) {}
