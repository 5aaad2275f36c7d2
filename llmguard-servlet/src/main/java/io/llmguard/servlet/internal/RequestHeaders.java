package io.llmguard.servlet.internal;

import io.llmguard.Headers;
import jakarta.servlet.http.HttpServletRequest;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** The header fields of a servlet request, read where they are. */
final class RequestHeaders implements Headers {
  private final HttpServletRequest request;

  RequestHeaders(HttpServletRequest request) {
    this.request = request;
  }

  @Override
  public @Nullable String first(String name) {
    return request.getHeader(name);
  }

  @Override
  public List<String> all(String name) {
    Enumeration<String> values = request.getHeaders(name);
    if (values == null || !values.hasMoreElements()) {
      return List.of();
    }
    List<String> all = new ArrayList<>(2);
    while (values.hasMoreElements()) {
      all.add(values.nextElement());
    }
    return all;
  }

  @Override
  public void forEach(BiConsumer<String, String> action) {
    Enumeration<String> names = request.getHeaderNames();
    while (names != null && names.hasMoreElements()) {
      String name = names.nextElement();
      Enumeration<String> values = request.getHeaders(name);
      while (values.hasMoreElements()) {
        action.accept(name, values.nextElement());
      }
    }
  }
}
