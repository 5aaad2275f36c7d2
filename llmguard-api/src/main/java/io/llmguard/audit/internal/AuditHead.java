package io.llmguard.audit.internal;

/**
 * What is known of a trail's end outside the trail, so that a cut tail is found.
 *
 * @param count how many lines the trail has
 * @param hash the hash of its last line
 * @param file the name of the file that is appended to
 * @param rotations the number of the last file that was rotated away; 0 before the first
 * @param open true while an appender has the trail open, so that lines after the head may be there
 * @param owner which process has, or had, it open
 */
public record AuditHead(
    long count, String hash, String file, long rotations, boolean open, String owner) {}
