package io.llmguard.boot.internal;

import io.llmguard.auth.Caller;
import java.util.List;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.authority.SimpleGrantedAuthority;
import org.springframework.security.web.authentication.preauth.PreAuthenticatedAuthenticationToken;

/** A caller as Spring Security's authentication. */
public final class CallerAuthentication {
  private CallerAuthentication() {}

  /**
   * The principal is the {@link Caller}; it has an authority {@code SCOPE_…} for each of its
   * scopes. There is no credential: what the caller showed is nobody's business behind the guard.
   */
  public static Authentication of(Caller caller) {
    List<SimpleGrantedAuthority> authorities =
        caller.scopes().stream()
            .map(scope -> new SimpleGrantedAuthority("SCOPE_" + scope.word()))
            .toList();
    return new PreAuthenticatedAuthenticationToken(caller, "", authorities);
  }
}
