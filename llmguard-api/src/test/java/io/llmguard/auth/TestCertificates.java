package io.llmguard.auth;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Makes certificates with the JDK's own keytool. */
final class TestCertificates {
  private TestCertificates() {}

  /**
   * A self-signed certificate.
   *
   * @param start its first moment, as keytool takes it: {@code 2025/12/01 00:00:00}
   */
  static X509Certificate make(
      Path directory, String subject, String alternativeNames, String start, int days)
      throws IOException, InterruptedException, GeneralSecurityException {
    Path store = Files.createTempFile(directory, "store", ".p12");
    Files.delete(store);
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "a",
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-dname",
                subject,
                "-startdate",
                start,
                "-validity",
                Integer.toString(days),
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                "secret"));
    if (!alternativeNames.isEmpty()) {
      command.addAll(List.of("-ext", "san=" + alternativeNames));
    }
    Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output =
        new String(
            keytool.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    if (!keytool.waitFor(30, TimeUnit.SECONDS) || keytool.exitValue() != 0) {
      throw new IOException("keytool failed: " + output);
    }
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, "secret".toCharArray());
    }
    return (X509Certificate) keys.getCertificate("a");
  }
}
