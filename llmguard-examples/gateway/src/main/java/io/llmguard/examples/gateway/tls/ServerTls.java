package io.llmguard.examples.gateway.tls;

import io.llmguard.examples.gateway.config.GatewayConfig.ClientAuth;
import io.llmguard.examples.gateway.config.GatewayConfig.Tls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import nl.altindag.ssl.SSLFactory;
import nl.altindag.ssl.pem.util.PemUtils;
import nl.altindag.ssl.util.SSLFactoryUtils;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The certificates of a listener, read again when their files change.
 *
 * <p>New connections see the new certificate; those that stand go on. Files that cannot be read
 * leave the old certificate in place and are reported in the log. Thread-safe.
 */
public final class ServerTls {
  private static final Logger log = LoggerFactory.getLogger(ServerTls.class);

  private final Tls settings;
  private final SSLFactory factory;
  private List<FileTime> seen;
  private List<FileTime> reported = List.of();

  private ServerTls(Tls settings, SSLFactory factory, List<FileTime> seen) {
    this.settings = settings;
    this.factory = factory;
    this.seen = seen;
  }

  /**
   * Reads the files.
   *
   * @throws IllegalArgumentException if one of them holds nothing usable
   */
  public static ServerTls load(Tls settings) throws IOException {
    List<FileTime> times = times(settings);
    return new ServerTls(settings, read(settings, true), times);
  }

  /** What Jetty needs for a connector. */
  public SslContextFactory.Server forJetty() {
    SslContextFactory.Server server = new SslContextFactory.Server();
    server.setSslContext(factory.getSslContext());
    server.setIncludeProtocols("TLSv1.3", "TLSv1.2");
    server.setNeedClientAuth(settings.clientAuth() == ClientAuth.NEED);
    server.setWantClientAuth(settings.clientAuth() == ClientAuth.WANT);
    return server;
  }

  /**
   * Looks at the files and takes what has changed.
   *
   * @return true if new certificates are in use
   */
  public synchronized boolean reloadIfChanged() {
    List<FileTime> now = List.of();
    try {
      now = times(settings);
      if (now.equals(seen)) {
        return false;
      }
      SSLFactoryUtils.reload(factory, read(settings, false));
      seen = now;
      log.info("took renewed certificates from {}", settings.certificate());
      return true;
    } catch (IOException | RuntimeException e) {
      // a half-written pair of files: the next look finds it whole
      if (!now.equals(reported)) {
        log.warn(
            "kept the old certificates: {} and {} are no usable pair",
            settings.certificate(),
            settings.key());
        reported = now;
      }
      log.debug("reading certificates failed", e);
      return false;
    }
  }

  /** Reads the files; what goes in the place of something swappable must not be so itself. */
  private static SSLFactory read(Tls settings, boolean swappable) {
    SSLFactory.Builder builder = SSLFactory.builder();
    if (swappable) {
      builder.withSwappableIdentityMaterial();
    }
    PrivateKey key = PemUtils.loadPrivateKey(settings.key(), password(settings));
    List<X509Certificate> chain = PemUtils.loadCertificate(settings.certificate());
    if (chain.isEmpty() || !KeyPairs.belong(key, chain.get(0).getPublicKey())) {
      throw new IllegalArgumentException("the certificate is not that of the key");
    }
    builder.withIdentityMaterial(key, new char[0], chain);
    Path clientCa = settings.clientCa();
    if (clientCa != null) {
      if (swappable) {
        builder.withSwappableTrustMaterial();
      }
      builder.withTrustMaterial(PemUtils.loadTrustMaterial(clientCa));
    }
    return builder.build();
  }

  private static char[] password(Tls settings) {
    return settings.keyPassword() == null
        ? new char[0]
        : settings.keyPassword().value().toCharArray();
  }

  private static List<FileTime> times(Tls settings) throws IOException {
    List<FileTime> times = new ArrayList<>();
    times.add(Files.getLastModifiedTime(settings.certificate()));
    times.add(Files.getLastModifiedTime(settings.key()));
    Path clientCa = settings.clientCa();
    if (clientCa != null) {
      times.add(Files.getLastModifiedTime(clientCa));
    }
    return times;
  }
}
