package io.llmguard.servlet;

import jakarta.servlet.ServletContext;
import java.io.IOException;
import java.lang.reflect.Constructor;

/** A servlet container for tests; the system property {@code llmguard.engine} says which. */
interface Engine {
  /** Sets up a web application. */
  interface Application {
    void configure(ServletContext context) throws Exception;
  }

  /** A container that serves. */
  interface Running extends AutoCloseable {
    int port();

    @Override
    void close() throws IOException;
  }

  /** Starts the container on a free port of the loopback address. */
  Running start(Application application) throws Exception;

  /** True if a client that leaves is noticed while nothing is written to it. */
  boolean noticesAtOnce();

  /** The container of this run: {@code JettyEe10} unless set. */
  static Engine current() {
    String name = System.getProperty("llmguard.engine", "JettyEe10");
    try {
      // by name, because each run has the classes of one container only
      Constructor<?> constructor =
          Class.forName(Engine.class.getPackageName() + "." + name + "Engine")
              .getDeclaredConstructor();
      return (Engine) constructor.newInstance();
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException("no engine " + name, e);
    }
  }
}
