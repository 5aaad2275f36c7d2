package io.llmguard.openai;

import java.time.Instant;

/**
 * A model that the server has.
 *
 * @param id its name
 * @param created when it was made; the epoch where not said
 * @param ownedBy whose it is; may be empty
 */
public record OpenAiModel(String id, Instant created, String ownedBy) {}
