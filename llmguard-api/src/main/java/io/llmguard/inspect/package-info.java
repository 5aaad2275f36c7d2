/**
 * Content guards: what prompts and answers may say.
 *
 * <p>{@link PromptInspector} and {@link ResponseInspector} judge; {@link InspectionStage} asks them
 * and does what they say. Two come along: {@link SensitiveData} and {@link SizeCeilings}.
 */
@NullMarked
package io.llmguard.inspect;

import org.jspecify.annotations.NullMarked;
