package io.llmguard.auth;

import io.llmguard.Headers;
import java.io.ByteArrayInputStream;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/** The forms in which a proxy hands over the certificate that its client has shown. */
enum CertificateHeader {
  /** {@code Client-Cert} of RFC 9440: the DER encoding as a byte sequence of RFC 8941. */
  RFC_9440 {
    @Override
    Found read(Headers headers) {
      List<String> lines = headers.all(CredentialHeaders.CLIENT_CERT);
      if (lines.isEmpty()) {
        return NONE;
      }
      String value = lines.get(0).strip();
      return lines.size() == 1
              && value.length() > 2
              && value.length() <= MAX_LENGTH
              && value.startsWith(":")
              && value.endsWith(":")
          ? parse(value.substring(1, value.length() - 1))
          : MALFORMED;
    }
  },
  /** nginx's {@code $ssl_client_escaped_cert}, with {@code $ssl_client_verify} beside it. */
  NGINX {
    @Override
    Found read(Headers headers) {
      List<String> verdicts = headers.all(CredentialHeaders.X_SSL_CLIENT_VERIFY);
      List<String> lines = headers.all(CredentialHeaders.X_SSL_CLIENT_CERT);
      if (lines.isEmpty() || (lines.size() == 1 && lines.get(0).isBlank())) {
        return verdicts.stream().anyMatch(verdict -> verdict.startsWith("FAILED"))
            ? UNVERIFIED
            : NONE;
      }
      if (lines.size() > 1 || verdicts.size() > 1 || lines.get(0).length() > MAX_LENGTH) {
        return MALFORMED;
      }
      if (verdicts.isEmpty() || !verdicts.get(0).strip().equals("SUCCESS")) {
        return UNVERIFIED;
      }
      String pem = PercentEncoding.decode(lines.get(0)).strip();
      if (!pem.startsWith(PEM_BEGIN) || !pem.endsWith(PEM_END)) {
        return MALFORMED;
      }
      String base64 = pem.substring(PEM_BEGIN.length(), pem.length() - PEM_END.length());
      return parse(base64.replaceAll("[ \t\r\n]", ""));
    }
  };

  private static final int MAX_LENGTH = 32 * 1024;
  private static final String PEM_BEGIN = "-----BEGIN CERTIFICATE-----";
  private static final String PEM_END = "-----END CERTIFICATE-----";

  /** What the fields of a call hold. */
  sealed interface Found {
    /** No certificate. */
    record None() implements Found {}

    /** A certificate whose chain the proxy has verified. */
    record Certificate(X509Certificate certificate) implements Found {}

    /** A certificate that the proxy does not vouch for. */
    record Unverified() implements Found {}

    /** Something else. */
    record Malformed() implements Found {}
  }

  private static final Found NONE = new Found.None();
  private static final Found UNVERIFIED = new Found.Unverified();
  private static final Found MALFORMED = new Found.Malformed();

  abstract Found read(Headers headers);

  /** Reads a certificate with nothing before, between or behind it. */
  private static Found parse(String base64) {
    try {
      byte[] der = Base64.getDecoder().decode(base64);
      X509Certificate certificate =
          (X509Certificate)
              CertificateFactory.getInstance("X.509")
                  .generateCertificate(new ByteArrayInputStream(der));
      return Arrays.equals(certificate.getEncoded(), der)
          ? new Found.Certificate(certificate)
          : MALFORMED;
    } catch (CertificateException | IllegalArgumentException e) {
      return MALFORMED;
    }
  }
}
