package io.llmguard.servlet.boot;

import io.llmguard.Exchange;
import io.llmguard.auth.Caller;
import io.llmguard.boot.internal.CallerAuthentication;
import io.llmguard.servlet.GuardFilter;
import jakarta.servlet.Filter;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletResponse;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.security.core.context.SecurityContextImpl;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;

/**
 * Leaves the caller that the guard in front has admitted where Spring Security's filter chain looks
 * for who is authenticated: in an attribute of the request, for this request only.
 *
 * <p>A session's own login stays.
 */
final class CallerSecurityFilter implements Filter {
  private final RequestAttributeSecurityContextRepository repository =
      new RequestAttributeSecurityContextRepository();

  @Override
  public void doFilter(ServletRequest req, ServletResponse res, FilterChain chain)
      throws IOException, ServletException {
    if (req instanceof HttpServletRequest request && res instanceof HttpServletResponse response) {
      Exchange exchange = GuardFilter.exchange(request);
      Caller caller = exchange == null ? null : exchange.caller();
      if (caller != null) {
        repository.saveContext(
            new SecurityContextImpl(CallerAuthentication.of(caller)), request, response);
      }
    }
    chain.doFilter(req, res);
  }
}
