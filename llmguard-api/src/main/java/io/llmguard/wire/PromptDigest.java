package io.llmguard.wire;

/**
 * A prompt, as the audit line knows it.
 *
 * @param hash the digest in lower-case hex
 * @param length the length in UTF-16 code units, as JavaScript counts
 */
public record PromptDigest(String hash, long length) {}
