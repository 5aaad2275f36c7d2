package io.llmguard.wire;

/** What came of reading a form: one that may be judged, or why it may not go on. */
public sealed interface FormReading permits CheckedForm, MalformedBody {}
