package io.llmguard.examples.webapp;

import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Constants;
import org.apache.catalina.startup.ContextConfig;
import org.apache.catalina.startup.Tomcat;
import org.eclipse.jetty.ee10.webapp.WebAppContext;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;

/** Where the web application runs, under the context path {@code /shop}. */
enum Deployment {
  /** On Jetty, as a WAR is: with classes of its own, and the server's hidden from it. */
  JETTY {
    @Override
    Running start(String descriptor) throws Exception {
      WebAppContext application = application(descriptor);
      application.setExtraClasspath(String.join(",", ownClasses()));
      return jetty(application);
    }
  },
  /** On Jetty, with the server's own classes shown to it. */
  JETTY_WITH_CLASSES_SHOWN {
    @Override
    Running start(String descriptor) throws Exception {
      WebAppContext application = application(descriptor);
      application.setExtraClasspath(String.join(",", ownClasses()));
      application.getHiddenClassMatcher().add("-org.eclipse.jetty.");
      return jetty(application);
    }
  },
  TOMCAT {
    @Override
    Running start(String descriptor) throws Exception {
      Path base = Files.createTempDirectory("webapp-tomcat");
      Tomcat tomcat = new Tomcat();
      tomcat.setBaseDir(base.toString());
      tomcat.setAddDefaultWebXmlToWebapp(false); // it has JSPs in it
      Connector connector = new Connector();
      connector.setPort(0);
      connector.setProperty("address", InetAddress.getLoopbackAddress().getHostAddress());
      tomcat.setConnector(connector);
      ContextConfig config = new ContextConfig();
      config.setDefaultWebXml(Constants.NoDefaultWebXml);
      Context context =
          tomcat.addWebapp(
              tomcat.getHost(),
              PATH,
              WEBAPP.resolve("").toAbsolutePath().toString(),
              (org.apache.catalina.LifecycleListener) config);
      context.setAltDDName(WEBAPP.resolve("WEB-INF/" + descriptor).toAbsolutePath().toString());
      Tomcat.addServlet(context, "default", "org.apache.catalina.servlets.DefaultServlet");
      context.addServletMappingDecoded("/", "default");
      tomcat.start();
      if (!context.getState().isAvailable()) {
        tomcat.stop();
        throw new IllegalStateException("the application has not started; the log says why");
      }
      return new Running() {
        @Override
        public int port() {
          return connector.getLocalPort();
        }

        @Override
        public void close() throws IOException {
          try {
            tomcat.stop();
            tomcat.destroy();
          } catch (LifecycleException e) {
            throw new IOException(e);
          }
        }
      };
    }
  };

  /** A container that serves. */
  interface Running extends AutoCloseable {
    int port();

    @Override
    void close() throws IOException;
  }

  static final String PATH = "/shop";
  private static final Path WEBAPP = Path.of("src/main/webapp");

  /** Starts it with this descriptor in {@code WEB-INF}. */
  abstract Running start(String descriptor) throws Exception;

  private static WebAppContext application(String descriptor) throws Exception {
    WebAppContext application = new WebAppContext(WEBAPP.toUri().toString(), PATH);
    application.setDescriptor(WEBAPP.resolve("WEB-INF").resolve(descriptor).toUri().toString());
    application.setThrowUnavailableOnStartupException(true);
    application.setTempDirectory(Files.createTempDirectory("webapp-jetty").toFile());
    return application;
  }

  /** What a WAR of this module has in {@code WEB-INF/classes} and {@code WEB-INF/lib}. */
  private static List<String> ownClasses() {
    return Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
        .filter(entry -> !entry.contains("test-classes") && !entry.endsWith("-tests.jar"))
        .filter(
            entry ->
                entry.contains("llmguard")
                    || entry.matches(
                        ".*/(jackson|bucket4j|caffeine|sqlite|slf4j|logback|jspecify)[^/]*\\.jar"))
        .toList();
  }

  private static Running jetty(WebAppContext application) throws Exception {
    Server server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost(InetAddress.getLoopbackAddress().getHostAddress());
    server.addConnector(connector);
    server.setHandler(application);
    server.start();
    return new Running() {
      @Override
      public int port() {
        return connector.getLocalPort();
      }

      @Override
      public void close() throws IOException {
        try {
          server.stop();
        } catch (Exception e) {
          throw new IOException(e);
        }
      }
    };
  }
}
