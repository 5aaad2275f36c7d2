package io.llmguard.servlet;

import io.llmguard.testkit.TestAuthority;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.apache.catalina.Context;
import org.apache.catalina.LifecycleException;
import org.apache.catalina.connector.Connector;
import org.apache.catalina.startup.ExpandWar;
import org.apache.catalina.startup.Tomcat;
import org.apache.coyote.http2.Http2Protocol;
import org.apache.tomcat.util.net.SSLHostConfig;
import org.apache.tomcat.util.net.SSLHostConfigCertificate;
import org.jspecify.annotations.Nullable;

/** Tomcat, embedded. */
final class TomcatEngine implements Engine {
  @Override
  public Running start(
      String contextPath, Application application, @Nullable TestAuthority authority)
      throws Exception {
    Path base = Files.createTempDirectory("llmguard-tomcat");
    Tomcat tomcat = new Tomcat();
    tomcat.setBaseDir(base.toString());
    Connector connector = connector();
    tomcat.setConnector(connector);
    Connector secure = authority == null ? null : secure(authority);
    if (secure != null) {
      tomcat.getService().addConnector(secure);
    }
    Context context = tomcat.addContext(contextPath, base.toString());
    context.addServletContainerInitializer(
        (classes, servletContext) -> {
          try {
            application.configure(servletContext);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
        },
        null);
    FirstProblem problem = new FirstProblem(context);
    try {
      tomcat.start();
      if (!context.getState().isAvailable()) {
        Throwable reason = problem.thrown();
        stop(tomcat, base);
        throw new IllegalStateException("the application has not started", reason);
      }
    } finally {
      problem.close();
    }
    return new Running() {
      @Override
      public int port() {
        return connector.getLocalPort();
      }

      @Override
      public int tlsPort() {
        if (secure == null) {
          throw new IllegalStateException("no TLS");
        }
        return secure.getLocalPort();
      }

      @Override
      public void close() throws IOException {
        stop(tomcat, base);
      }
    };
  }

  @Override
  public boolean noticesAtOnce() {
    return false;
  }

  private static Connector connector() {
    Connector connector = new Connector();
    connector.setPort(0);
    connector.setProperty("address", InetAddress.getLoopbackAddress().getHostAddress());
    return connector;
  }

  private static Connector secure(TestAuthority authority) throws Exception {
    Connector connector = connector();
    connector.setSecure(true);
    connector.setScheme("https");
    connector.setProperty("SSLEnabled", "true");
    SSLHostConfig host = new SSLHostConfig();
    host.setTrustStore(authority.trusted());
    host.setCertificateVerification("optional");
    SSLHostConfigCertificate certificate =
        new SSLHostConfigCertificate(host, SSLHostConfigCertificate.Type.UNDEFINED);
    certificate.setCertificateKeystore(authority.keys("server"));
    certificate.setCertificateKeystorePassword(TestAuthority.PASSWORD);
    host.addCertificate(certificate);
    connector.addSslHostConfig(host);
    connector.addUpgradeProtocol(new Http2Protocol());
    return connector;
  }

  private static void stop(Tomcat tomcat, Path base) throws IOException {
    try {
      tomcat.stop();
      tomcat.destroy();
    } catch (LifecycleException e) {
      throw new IOException(e);
    } finally {
      ExpandWar.delete(base.toFile(), false);
    }
  }

  /** What Tomcat logs as the reason why an application has not started: it throws nothing. */
  private static final class FirstProblem extends Handler {
    private final CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    private final Logger logger;

    FirstProblem(Context context) {
      logger = Logger.getLogger(((org.apache.catalina.core.ContainerBase) context).getLogName());
      logger.addHandler(this);
    }

    @Nullable Throwable thrown() {
      return thrown.getNow(null);
    }

    @Override
    public void publish(LogRecord record) {
      if (record.getThrown() != null) {
        thrown.complete(record.getThrown());
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {
      logger.removeHandler(this);
    }
  }
}
