package io.llmguard.servlet.internal;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.lang.reflect.Constructor;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A container without a way to notice clients that leave: the next write does. An answer is cut by
 * a servlet that fails after it has begun.
 */
final class PlainContainer implements Container {
  private final @Nullable Constructor<?> quietly;

  PlainContainer(boolean tomcat) {
    quietly = tomcat ? tomcatsOwn() : null;
  }

  /** Tomcat's exception for connections that it has closed itself, which it does not log. */
  private static @Nullable Constructor<?> tomcatsOwn() {
    try {
      return Class.forName("org.apache.coyote.CloseNowException").getConstructor();
    } catch (ReflectiveOperationException | LinkageError e) {
      return null; // hidden from applications, or another version: then it is logged
    }
  }

  @Override
  public Watch watch(HttpServletRequest request, BooleanSupplier bodyRead, Runnable gone) {
    return Watch.NONE;
  }

  @Override
  public boolean cut(HttpServletResponse response) {
    return false;
  }

  @Override
  public IOException cutting() {
    try {
      if (quietly != null && quietly.newInstance() instanceof IOException quiet) {
        return quiet;
      }
    } catch (ReflectiveOperationException e) {
      // the next best
    }
    return new CutException();
  }

  @Override
  public void close() {}

  /** Says in a log what happened, without a stack trace that says nothing. */
  private static final class CutException extends IOException {
    private static final long serialVersionUID = 1L;

    CutException() {
      super("the upstream's answer broke off, and the client's with it");
    }

    @Override
    public synchronized Throwable fillInStackTrace() {
      return this;
    }
  }
}
