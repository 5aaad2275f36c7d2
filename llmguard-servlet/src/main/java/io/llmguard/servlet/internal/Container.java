package io.llmguard.servlet.internal;

import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestWrapper;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.function.BooleanSupplier;

/**
 * What servlet containers can do beyond the servlet API: notice that a client has left while
 * nothing is read from it or written to it, and cut an answer so that the client sees it broken.
 */
public interface Container extends AutoCloseable {
  /**
   * Begins to watch the client of a request.
   *
   * @param bodyRead true once nothing of the request's body is left to be read
   * @param gone run at most once, on any thread
   */
  Watch watch(HttpServletRequest request, BooleanSupplier bodyRead, Runnable gone);

  /** Cuts the answer; false if that takes a servlet that throws {@link #cutting}. */
  boolean cut(HttpServletResponse response);

  /** What a servlet throws to have the container cut its answer. */
  IOException cutting();

  /** Ends every watch. */
  @Override
  void close();

  /** A client under watch. */
  interface Watch {
    /** Nobody is watched. */
    Watch NONE = () -> {};

    /** Ends the watch; the connection is the container's own again when this returns. */
    void stop();
  }

  /** The container of this request. */
  static Container of(HttpServletRequest request) {
    ServletRequest innermost = request;
    while (innermost instanceof ServletRequestWrapper wrapper) {
      innermost = wrapper.getRequest();
    }
    String type = innermost.getClass().getName();
    if (type.startsWith("org.eclipse.jetty.")) {
      return JettyContainer.open(innermost.getClass());
    }
    return new PlainContainer(type.startsWith("org.apache.catalina."));
  }
}
