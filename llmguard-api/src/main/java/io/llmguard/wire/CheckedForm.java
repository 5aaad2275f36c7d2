package io.llmguard.wire;

import org.jspecify.annotations.Nullable;

/**
 * A form that was read strictly and means the same to every reader.
 *
 * @param call what it asks for
 * @param responseFormat the field {@code response_format}, or null
 * @param modelOffset where in the body the model's name stands, in bytes
 * @param modelLength how many bytes the model's name has there
 */
public record CheckedForm(
    Call call, @Nullable String responseFormat, long modelOffset, int modelLength)
    implements FormReading {}
