package io.llmguard.assembly;

import io.llmguard.assembly.GuardSettings.Limits;
import io.llmguard.upstream.Proxy;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.Upstream;
import io.llmguard.upstream.UpstreamTimeouts;
import io.llmguard.upstream.UpstreamTransport;
import io.llmguard.upstream.routing.DeploymentRouter;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/** Makes upstreams, and the proxy in front of one, from settings. */
public final class ProxyAssembly implements AutoCloseable {
  private final UpstreamTransport transport;
  private final Proxy proxy;

  private ProxyAssembly(URI server, ApplicationSettings.Proxy settings, Limits limits) {
    transport = UpstreamTransport.create(TransportSettings.builder().build());
    Upstream upstream = upstream("upstream", server, settings.apiKey(), limits, transport);
    Proxy.Builder builder =
        Proxy.builder(DeploymentRouter.to(upstream)).maxDuration(limits.total());
    ByteSize response = limits.response();
    if (response != null) {
      builder.maxResponseBytes(response.bytes());
    }
    proxy = builder.build();
  }

  /**
   * The proxy in front of an application's one LLM server; closing it closes its connections.
   *
   * @throws SettingException if the server's URL is none
   */
  public static ProxyAssembly open(ApplicationSettings.Proxy settings, Limits limits) {
    return new ProxyAssembly(url(String.valueOf(settings.url())), settings, limits);
  }

  private static URI url(String text) {
    URI uri;
    try {
      uri = URI.create(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
    } catch (IllegalArgumentException e) {
      // without the text: it may hold a password
      throw new SettingException("proxy.url", "is no URL", e);
    }
    boolean http = "http".equals(uri.getScheme()) || "https".equals(uri.getScheme());
    if (!http || uri.getHost() == null) {
      throw new SettingException("proxy.url", "must be a URL such as http://127.0.0.1:11434");
    }
    if (uri.getUserInfo() != null || uri.getRawQuery() != null || uri.getRawFragment() != null) {
      throw new SettingException("proxy.url", "must be a URL without user, query and fragment");
    }
    return uri;
  }

  /** An upstream with the durations of these limits, and its own credential. */
  public static Upstream upstream(
      String name,
      URI server,
      @Nullable Secret apiKey,
      Limits limits,
      UpstreamTransport transport) {
    Upstream.Builder upstream =
        Upstream.builder(name, server, transport)
            .timeouts(
                new UpstreamTimeouts(
                    limits.connect(), limits.firstByte(), limits.idle(), limits.total()));
    if (apiKey != null) {
      upstream.credential("Authorization", "Bearer " + apiKey.value());
    }
    return upstream.build();
  }

  /** The proxy. */
  public Proxy proxy() {
    return proxy;
  }

  @Override
  public void close() {
    transport.close();
  }
}
