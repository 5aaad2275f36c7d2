package io.llmguard.servlet.internal;

import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestWrapper;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.EOFException;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.util.function.BooleanSupplier;
import org.eclipse.jetty.http.HttpVersion;
import org.eclipse.jetty.io.AbstractEndPoint;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.internal.HttpConnection;
import org.jspecify.annotations.Nullable;

/**
 * Jetty 12, of any generation of servlets.
 *
 * <p>Under HTTP/2 Jetty itself reports a stream that the client resets. Under HTTP/1.1 it looks at
 * a connection again only when the answer is complete, so {@link JettyProbe} looks meanwhile.
 */
final class JettyContainer implements Container {
  private final @Nullable MethodHandle coreRequest;
  private final JettyProbe probe = new JettyProbe();

  private JettyContainer(@Nullable MethodHandle coreRequest) {
    this.coreRequest = coreRequest;
  }

  /** A container whose requests are of this class; one that cannot watch if Jetty hides itself. */
  static Container open(Class<?> requestType) {
    try {
      return new JettyContainer(
          MethodHandles.publicLookup()
              .findVirtual(requestType, "getRequest", MethodType.methodType(Request.class))
              .asType(MethodType.methodType(Request.class, ServletRequest.class)));
    } catch (ReflectiveOperationException e) {
      return new JettyContainer(null);
    } catch (LinkageError e) {
      return new PlainContainer(false); // a web application does not see the server's classes
    }
  }

  @Override
  public Watch watch(HttpServletRequest request, BooleanSupplier bodyRead, Runnable gone) {
    Request core = core(request);
    if (core == null
        || core.getConnectionMetaData().getHttpVersion() == HttpVersion.HTTP_2
        || !(core.getConnectionMetaData().getConnection() instanceof HttpConnection connection)
        || !(connection.getEndPoint() instanceof AbstractEndPoint endPoint)) {
      return Watch.NONE;
    }
    return probe.watch(connection, endPoint, bodyRead, gone);
  }

  private @Nullable Request core(ServletRequest request) {
    ServletRequest innermost = request;
    while (innermost instanceof ServletRequestWrapper wrapper) {
      innermost = wrapper.getRequest();
    }
    if (coreRequest == null) {
      return null;
    }
    try {
      return (Request) coreRequest.invokeExact(innermost);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(e);
    }
  }

  @Override
  public boolean cut(HttpServletResponse response) {
    try {
      response.sendError(-1); // Jetty's own word for it
    } catch (IOException e) {
      return true; // it is cut already
    }
    return true;
  }

  @Override
  public IOException cutting() {
    return new EOFException("the upstream's answer broke off, and the client's with it");
  }

  @Override
  public void close() {
    probe.close();
  }
}
