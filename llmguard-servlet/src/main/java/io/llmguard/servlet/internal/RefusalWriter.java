package io.llmguard.servlet.internal;

import io.llmguard.HeaderMap;
import io.llmguard.Headers;
import io.llmguard.Refusal;
import io.llmguard.RefusalRenderer;
import io.llmguard.RefusalRenderer.Rendered;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.ByteBuffer;

/** Puts fields and refusals on a servlet response. */
public final class RefusalWriter {
  private RefusalWriter() {}

  /** Writes a refusal as the one renderer has it; fields that others have set stay. */
  public static void write(
      HttpServletRequest request, HttpServletResponse response, Refusal refusal)
      throws IOException {
    if (response.isCommitted()) {
      return;
    }
    Rendered rendered = RefusalRenderer.render(refusal, Conversation.pathWithin(request));
    ByteBuffer body = rendered.body();
    response.resetBuffer();
    response.setStatus(rendered.status());
    set(response, rendered.headers());
    response.setContentLength(body.remaining());
    if (!request.getMethod().equals("HEAD")) {
      byte[] bytes = new byte[body.remaining()];
      body.get(bytes);
      response.getOutputStream().write(bytes);
    }
  }

  /** Sets every field, in place of what the response had under its name. */
  public static void set(HttpServletResponse response, Headers headers) {
    if (headers instanceof HeaderMap map && map.isEmpty()) {
      return;
    }
    headers.forEach(
        (name, value) -> {
          if (value.equals(headers.first(name))) {
            response.setHeader(name, value);
          } else {
            response.addHeader(name, value);
          }
        });
  }
}
