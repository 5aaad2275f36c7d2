package io.llmguard.key;

/**
 * A new key and its record: the only moment at which the key is known.
 *
 * @param key the key, to be shown to its owner once
 * @param record what the store keeps of it
 */
public record IssuedKey(ApiKey key, KeyRecord record) {}
