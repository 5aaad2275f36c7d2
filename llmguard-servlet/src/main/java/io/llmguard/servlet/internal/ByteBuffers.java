package io.llmguard.servlet.internal;

import jakarta.servlet.ServletOutputStream;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * Writes byte buffers to servlet output streams: by the stream's own method where it has one
 * (Servlet 6.1, and Jetty and Tomcat before it), else as bytes.
 */
final class ByteBuffers {
  /** For each class of streams, its method, if it has one that may be called from here. */
  private static final ClassValue<Method> METHODS =
      new ClassValue<>() {
        @Override
        protected Method computeValue(Class<?> type) {
          for (Class<?> c = type; c != null; c = c.getSuperclass()) {
            try {
              return new Method(
                  MethodHandles.publicLookup()
                      .findVirtual(c, "write", MethodType.methodType(void.class, ByteBuffer.class))
                      .asType(
                          MethodType.methodType(
                              void.class, ServletOutputStream.class, ByteBuffer.class)));
            } catch (NoSuchMethodException | IllegalAccessException | ClassCastException e) {
              // a class that is not public: its superclass may have the method
            }
          }
          return new Method(null);
        }
      };

  private record Method(@Nullable MethodHandle handle) {}

  private ByteBuffers() {}

  /** Writes what remains of the buffer, which must stay as it is while the stream is not ready. */
  static void write(ServletOutputStream out, ByteBuffer buffer) throws IOException {
    if (buffer.hasArray()) {
      out.write(buffer.array(), buffer.arrayOffset() + buffer.position(), buffer.remaining());
      buffer.position(buffer.limit());
      return;
    }
    MethodHandle handle = METHODS.get(out.getClass()).handle();
    if (handle == null) {
      byte[] bytes = new byte[buffer.remaining()];
      buffer.get(bytes);
      out.write(bytes, 0, bytes.length);
      return;
    }
    try {
      handle.invokeExact(out, buffer);
    } catch (IOException | RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IOException(e);
    }
  }
}
