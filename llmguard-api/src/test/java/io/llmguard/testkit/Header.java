package io.llmguard.testkit;

/**
 * One header line as it stood on the wire: the name in its own case, the value without the white
 * space around it.
 */
public record Header(String name, String value) {}
