package io.llmguard.boot.internal;

import io.llmguard.Exchange;
import io.llmguard.auth.Caller;
import io.llmguard.auth.CurrentCaller;
import org.jspecify.annotations.Nullable;
import org.springframework.core.MethodParameter;

/** The caller of a call that a guard has admitted, for the parameters of controllers. */
public final class AdmittedCaller {
  private AdmittedCaller() {}

  /** True for a {@link Caller} with {@link CurrentCaller}. */
  public static boolean wanted(MethodParameter parameter) {
    return parameter.getParameterType() == Caller.class
        && parameter.hasParameterAnnotation(CurrentCaller.class);
  }

  /**
   * The caller.
   *
   * @param exchange the call, or null where no guard has seen it
   * @throws IllegalStateException if there is none
   */
  public static Caller of(@Nullable Exchange exchange) {
    Caller caller = exchange == null ? null : exchange.caller();
    if (caller == null) {
      throw new IllegalStateException(
          "no guard has admitted this call, so nobody is its caller: is its path among"
              + " llmguard.web.paths?");
    }
    return caller;
  }
}
