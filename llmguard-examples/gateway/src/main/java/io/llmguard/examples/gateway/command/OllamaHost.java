package io.llmguard.examples.gateway.command;

import org.jspecify.annotations.Nullable;

/** Where a client finds Ollama, as Ollama's own client reads {@code OLLAMA_HOST}. */
final class OllamaHost {
  private static final int PORT = 11434;

  private OllamaHost() {}

  /**
   * The server's URL: scheme and port may be left away, and an address that stands for every
   * interface means this machine.
   */
  static String url(@Nullable String value) {
    String text = value == null ? "" : value.strip().replaceAll("^[\"']+|[\"']+$", "");
    if (text.isEmpty()) {
      return "http://127.0.0.1:" + PORT;
    }
    int scheme = text.indexOf("://");
    String protocol = scheme < 0 ? "http" : text.substring(0, scheme);
    String rest = scheme < 0 ? text : text.substring(scheme + 3);
    int slash = rest.indexOf('/');
    String path = slash < 0 ? "" : rest.substring(slash).replaceAll("/+$", "");
    String host = slash < 0 ? rest : rest.substring(0, slash);
    int defaultPort =
        scheme < 0 ? PORT : protocol.equals("https") ? 443 : protocol.equals("http") ? 80 : PORT;
    int colon = host.endsWith("]") ? -1 : host.lastIndexOf(':');
    String port = colon < 0 ? Integer.toString(defaultPort) : host.substring(colon + 1);
    String name = colon < 0 ? host : host.substring(0, colon);
    boolean everywhere = name.isEmpty() || name.equals("0.0.0.0") || name.equals("[::]");
    return protocol + "://" + (everywhere ? "127.0.0.1" : name) + ":" + port + path;
  }
}
