package io.llmguard.examples.gateway.server;

import io.llmguard.Guard;
import io.llmguard.admin.AdminApi;
import io.llmguard.policy.Endpoint;
import io.llmguard.policy.Endpoint.BodyKind;
import io.llmguard.policy.EndpointCatalogue;
import io.llmguard.policy.Scope;
import io.llmguard.servlet.AdminServlet;
import io.llmguard.servlet.LlmGuardFilter;
import io.llmguard.servlet.LlmProxyServlet;
import io.llmguard.servlet.ValidateServlet;
import io.llmguard.upstream.Proxy;
import io.llmguard.wire.Operation;
import jakarta.servlet.DispatcherType;
import jakarta.servlet.http.HttpServlet;
import java.time.Duration;
import java.util.EnumSet;
import org.eclipse.jetty.ee10.servlet.FilterHolder;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;

/** What answers at which path of the gateway. */
final class Pages {
  private static final String METRICS = "/metrics";

  private Pages() {}

  /** What the gateway itself answers, to administrators only. */
  static EndpointCatalogue.Builder addAdministration(
      EndpointCatalogue.Builder catalogue, AdminApi api) {
    return api.addTo(catalogue)
        .allow("GET", METRICS, new Endpoint(Operation.OTHER, Scope.ADMIN, BodyKind.NONE));
  }

  /** Everything that goes to an LLM server, and the gateway's own pages where they belong here. */
  static ServletContextHandler calls(
      Guard guard, Duration bodyTime, Proxy proxy, HttpServlet metrics, AdminApi api) {
    ServletContextHandler context = administration(guard, bodyTime, metrics, api);
    context.addServlet(async(new ServletHolder("proxy", new LlmProxyServlet(proxy))), "/*");
    return context;
  }

  /** The gateway's own pages alone. */
  static ServletContextHandler administration(
      Guard guard, Duration bodyTime, HttpServlet metrics, AdminApi api) {
    ServletContextHandler context = guarded(guard, bodyTime);
    context.addServlet(new ServletHolder(metrics), METRICS);
    ServletHolder admin = async(new ServletHolder("admin", new AdminServlet(api)));
    // where the catalogue has none of these paths the guard refuses them before
    api.servletPatterns().forEach(pattern -> context.addServlet(admin, pattern));
    return context;
  }

  /** Where a reverse proxy asks whether a call may pass. */
  static ServletContextHandler validation(ValidateServlet validate) {
    ServletContextHandler context = new ServletContextHandler("/validate");
    context.setAllowNullPathInContext(true);
    context.addServlet(async(new ServletHolder("validate", validate)), "/*");
    return context;
  }

  private static ServletContextHandler guarded(Guard guard, Duration bodyTime) {
    ServletContextHandler context = new ServletContextHandler("/");
    // the guard judges the raw path; the container only finds the servlet by it
    context.getServletHandler().setDecodeAmbiguousURIs(true);
    LlmGuardFilter filter = new LlmGuardFilter(guard);
    filter.asyncDispatch(true);
    filter.bodyDeadline(bodyTime);
    FilterHolder holder = new FilterHolder(filter);
    holder.setName("guard");
    holder.setAsyncSupported(true);
    context.addFilter(holder, "/*", EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC));
    return context;
  }

  private static ServletHolder async(ServletHolder holder) {
    holder.setAsyncSupported(true);
    return holder;
  }
}
