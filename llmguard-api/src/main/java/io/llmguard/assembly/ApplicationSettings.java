package io.llmguard.assembly;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a guard stands in an application that has calls of its own: what a framework's configuration
 * holds under {@code web} and {@code proxy}. Null takes the default, as in {@link GuardSettings}.
 *
 * @param web which calls come to the guard
 * @param proxy which of them go on to an LLM server
 */
public record ApplicationSettings(Web web, Proxy proxy) {
  /** Fills in the defaults. */
  public ApplicationSettings {
    web = web == null ? Web.DEFAULTS : web;
    proxy = proxy == null ? Proxy.NONE : proxy;
  }

  /**
   * Which calls come to the guard.
   *
   * <p>Paths are {@code /**}, or end with it.
   *
   * @param paths what is guarded; {@code /api/**} unless set
   * @param llmPaths where the application itself answers as an LLM server does: there only the
   *     calls of such servers' APIs are let in, and their bodies are read and judged; none unless
   *     set. Everything else that is guarded is the application's own: it takes a caller with scope
   *     {@code inference}, and its bodies are left alone
   * @param order where the guard stands among filters; -110 unless set, which is before Spring
   *     Security's -100, so that a flood is turned away first
   * @param asyncDispatch true to let the container's thread go while a body or a decision is
   *     awaited; every filter behind the guard must then be mapped to asynchronous dispatches too,
   *     or it is left out. False unless set; has no meaning where nothing waits on a thread
   */
  public record Web(
      List<String> paths, List<String> llmPaths, Integer order, boolean asyncDispatch) {
    /** Everything under {@code /api} is guarded, as the application's own. */
    public static final Web DEFAULTS = new Web(List.of("/api/**"), List.of(), -110, false);

    /** Fills in the defaults, and copies the lists. */
    public Web {
      paths = paths == null || paths.isEmpty() ? List.of("/api/**") : List.copyOf(paths);
      llmPaths = llmPaths == null ? List.of() : List.copyOf(llmPaths);
      order = order == null ? -110 : order;
    }
  }

  /**
   * Which calls go on to an LLM server.
   *
   * @param url the server, as {@code http://127.0.0.1:11434}; null for no proxy
   * @param apiKey the server's own credential, or null
   * @param paths the paths that go there, which are guarded too, and judged as an LLM server's;
   *     {@code /api/**} and {@code /v1/**} unless set
   */
  public record Proxy(@Nullable String url, @Nullable Secret apiKey, List<String> paths) {
    private static final List<String> PATHS = List.of("/api/**", "/v1/**");

    /** No proxy. */
    public static final Proxy NONE = new Proxy(null, null, PATHS);

    /** Fills in the default, and copies the list. */
    public Proxy {
      paths = paths == null || paths.isEmpty() ? PATHS : List.copyOf(paths);
    }
  }
}
