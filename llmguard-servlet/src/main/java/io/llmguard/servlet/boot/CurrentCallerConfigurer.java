package io.llmguard.servlet.boot;

import io.llmguard.auth.Caller;
import io.llmguard.auth.CurrentCaller;
import io.llmguard.boot.internal.AdmittedCaller;
import io.llmguard.servlet.GuardFilter;
import jakarta.servlet.http.HttpServletRequest;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.core.MethodParameter;
import org.springframework.web.bind.support.WebDataBinderFactory;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.method.support.HandlerMethodArgumentResolver;
import org.springframework.web.method.support.ModelAndViewContainer;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/** Hands the admitted {@link Caller} to controllers' parameters with {@link CurrentCaller}. */
final class CurrentCallerConfigurer implements WebMvcConfigurer, HandlerMethodArgumentResolver {
  @Override
  public void addArgumentResolvers(List<HandlerMethodArgumentResolver> resolvers) {
    resolvers.add(this);
  }

  @Override
  public boolean supportsParameter(MethodParameter parameter) {
    return AdmittedCaller.wanted(parameter);
  }

  @Override
  public Caller resolveArgument(
      MethodParameter parameter,
      @Nullable ModelAndViewContainer container,
      NativeWebRequest webRequest,
      @Nullable WebDataBinderFactory binder) {
    HttpServletRequest request = webRequest.getNativeRequest(HttpServletRequest.class);
    return AdmittedCaller.of(request == null ? null : GuardFilter.exchange(request));
  }
}
