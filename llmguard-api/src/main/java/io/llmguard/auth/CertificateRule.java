package io.llmguard.auth;

import io.llmguard.key.KeyHash;
import io.llmguard.network.CidrBlock;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/**
 * Says who the holder of a client certificate is.
 *
 * <p>Implementations are thread-safe and do not block. The certificate's chain was verified.
 */
@FunctionalInterface
public interface CertificateRule {
  /** The caller that holds this certificate, or null if this rule does not know it. */
  @Nullable Caller callerOf(X509Certificate certificate);

  /**
   * A rule for one whole subject; attributes compare as X.500 says, never as text.
   *
   * @param name a distinguished name (RFC 4514), such as {@code CN=app,O=Example}
   * @throws IllegalArgumentException if it is none
   */
  static CertificateRule subject(String name, Caller caller) {
    X500Principal subject = new X500Principal(name);
    return certificate -> certificate.getSubjectX500Principal().equals(subject) ? caller : null;
  }

  /** A rule for an alternative name that is a host name, in any case; wildcards mean nothing. */
  static CertificateRule dnsName(String name, Caller caller) {
    String lower = name.toLowerCase(Locale.ROOT);
    return certificate ->
        hasAlternativeName(certificate, 2, value -> value.toLowerCase(Locale.ROOT).equals(lower))
            ? caller
            : null;
  }

  /** A rule for an alternative name that is a URI, such as a SPIFFE id; compared exactly. */
  static CertificateRule uri(String uri, Caller caller) {
    return certificate -> hasAlternativeName(certificate, 6, uri::equals) ? caller : null;
  }

  /** A rule for an alternative name that is a mail address; compared exactly. */
  static CertificateRule email(String address, Caller caller) {
    return certificate -> hasAlternativeName(certificate, 1, address::equals) ? caller : null;
  }

  /**
   * A rule for an alternative name that is an IP address, however it is written.
   *
   * @param address an IPv4 or IPv6 address, not a host name
   * @throws IllegalArgumentException if it is none
   */
  static CertificateRule ipAddress(String address, Caller caller) {
    CidrBlock expected = CidrBlock.parse(address);
    return certificate ->
        hasAlternativeName(certificate, 7, value -> CidrBlock.parse(value).equals(expected))
            ? caller
            : null;
  }

  /**
   * A rule for one certificate.
   *
   * @param fingerprint its SHA-256 fingerprint: 64 hex digits, with or without colons
   * @throws IllegalArgumentException if it is none
   */
  static CertificateRule fingerprint(String fingerprint, Caller caller) {
    KeyHash expected = KeyHash.parse(fingerprint.replace(":", ""));
    return certificate -> {
      try {
        return KeyHash.of(certificate.getEncoded()).equals(expected) ? caller : null;
      } catch (CertificateEncodingException e) {
        return null;
      }
    };
  }

  private static boolean hasAlternativeName(
      X509Certificate certificate, int type, java.util.function.Predicate<String> test) {
    try {
      Collection<List<?>> names = certificate.getSubjectAlternativeNames();
      if (names != null) {
        for (List<?> name : names) {
          if (name.get(0).equals(type) && name.get(1) instanceof String value && test.test(value)) {
            return true;
          }
        }
      }
      return false;
    } catch (CertificateParsingException e) {
      return false;
    }
  }
}
