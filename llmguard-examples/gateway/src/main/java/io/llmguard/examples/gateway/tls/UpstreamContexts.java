package io.llmguard.examples.gateway.tls;

import io.llmguard.examples.gateway.config.GatewayConfig.UpstreamTls;
import java.nio.file.Path;
import javax.net.ssl.SSLContext;
import nl.altindag.ssl.SSLFactory;
import nl.altindag.ssl.pem.util.PemUtils;

/** Makes the TLS of calls to servers from PEM files. */
public final class UpstreamContexts {
  private UpstreamContexts() {}

  /**
   * Reads the files.
   *
   * @throws RuntimeException if one of them holds nothing usable
   */
  public static SSLContext of(UpstreamTls settings) {
    SSLFactory.Builder builder = SSLFactory.builder();
    Path certificate = settings.certificate();
    Path key = settings.key();
    if (certificate != null && key != null) {
      char[] password =
          settings.keyPassword() == null
              ? new char[0]
              : settings.keyPassword().value().toCharArray();
      builder.withIdentityMaterial(PemUtils.loadIdentityMaterial(certificate, key, password));
    }
    if (settings.ca() == null) {
      builder.withDefaultTrustMaterial();
    } else {
      builder.withTrustMaterial(PemUtils.loadTrustMaterial(settings.ca()));
    }
    return builder.build().getSslContext();
  }
}
