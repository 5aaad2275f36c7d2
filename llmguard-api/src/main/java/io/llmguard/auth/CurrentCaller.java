package io.llmguard.auth;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Has a web framework hand the {@link Caller} that a guard admitted to a handler's parameter of
 * that type.
 *
 * <pre>{@code
 * @PostMapping("/api/ask")
 * String ask(@CurrentCaller Caller caller, @RequestBody Question question) { … }
 * }</pre>
 */
@Documented
@Target(ElementType.PARAMETER)
@Retention(RetentionPolicy.RUNTIME)
public @interface CurrentCaller {}
