package io.llmguard.servlet.internal;

import io.llmguard.Headers;
import jakarta.servlet.http.HttpServletResponse;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The header fields of a servlet response, read where they are. */
final class ResponseHeaders implements Headers {
  private final HttpServletResponse response;

  ResponseHeaders(HttpServletResponse response) {
    this.response = response;
  }

  @Override
  public @Nullable String first(String name) {
    return name.equalsIgnoreCase("Content-Type")
        ? response.getContentType()
        : response.getHeader(name);
  }

  @Override
  public List<String> all(String name) {
    return List.copyOf(response.getHeaders(name));
  }

  @Override
  public void forEach(BiConsumer<String, String> action) {
    for (String name : response.getHeaderNames()) {
      for (String value : response.getHeaders(name)) {
        action.accept(name, value);
      }
    }
  }
}
