package io.llmguard.wire;

/** What came of reading a request body: a body that may be judged, or why it may not go on. */
public sealed interface BodyReading permits CheckedBody, MalformedBody {}
