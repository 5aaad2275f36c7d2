package io.llmguard.servlet;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.Tomcat;

/** Tomcat, embedded. */
final class TomcatEngine implements Engine {
  @Override
  public Running start(Application application) throws Exception {
    Path base = Files.createTempDirectory("llmguard-tomcat");
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(base.toString());
    Connector connector = new Connector();
    connector.setPort(0);
    connector.setProperty("address", "127.0.0.1");
    tomcat.setConnector(connector);
    Context context = tomcat.addContext("", base.toString());
    context.addServletContainerInitializer(
        (classes, servletContext) -> {
          try {
            application.configure(servletContext);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        },
        null);
    tomcat.start();
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

  @Override
  public boolean noticesAtOnce() {
    return false;
  }
}
