package io.llmguard.examples.gateway.tls;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A certificate authority of the JDK's own keytool, for tests. */
public final class TestAuthority {
  private static final String PASSWORD = "changeit";

  private final Path folder;
  private final Path store;

  /** An authority that keeps its files in this folder. */
  public TestAuthority(Path folder) throws Exception {
    this.folder = folder;
    this.store = folder.resolve("authority.p12");
    keytool("-genkeypair", "-alias", "ca", "-dname", "CN=test authority", "-ext", "bc=ca:true");
  }

  /** Issues a certificate with this subject for localhost, and writes it as PEM. */
  public void issue(String alias, String subject) throws Exception {
    Path request = folder.resolve(alias + ".csr");
    Path certificate = folder.resolve(alias + ".crt");
    keytool("-genkeypair", "-alias", alias, "-dname", subject);
    keytool("-certreq", "-alias", alias, "-file", request.toString());
    keytool(
        "-gencert",
        "-alias",
        "ca",
        "-infile",
        request.toString(),
        "-outfile",
        certificate.toString(),
        "-rfc",
        "-ext",
        "san=dns:localhost,ip:127.0.0.1");
    keytool("-importcert", "-alias", alias, "-file", certificate.toString());
    KeyStore keys = load();
    StringBuilder chain = new StringBuilder();
    for (Certificate link : keys.getCertificateChain(alias)) {
      chain.append(pem("CERTIFICATE", link.getEncoded()));
    }
    Files.writeString(certificatePem(alias), chain);
    Files.writeString(
        keyPem(alias), pem("PRIVATE KEY", keys.getKey(alias, PASSWORD.toCharArray()).getEncoded()));
    Files.writeString(authorityPem(), pem("CERTIFICATE", keys.getCertificate("ca").getEncoded()));
  }

  /** The certificate chain of an alias. */
  public Path certificatePem(String alias) {
    return folder.resolve(alias + ".pem");
  }

  /** The key of an alias. */
  public Path keyPem(String alias) {
    return folder.resolve(alias + ".key");
  }

  /** The authority's own certificate. */
  public Path authorityPem() {
    return folder.resolve("ca.pem");
  }

  /** The certificate of an alias. */
  public X509Certificate certificate(String alias) throws Exception {
    return (X509Certificate) load().getCertificate(alias);
  }

  /** A client's TLS that trusts the authority and shows the certificate of an alias, or none. */
  public SSLContext client(String alias) throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    KeyStore all = load();
    trusted.setCertificateEntry("ca", all.getCertificate("ca"));
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, null);
    if (!alias.isEmpty()) {
      own.setKeyEntry(
          alias,
          all.getKey(alias, PASSWORD.toCharArray()),
          PASSWORD.toCharArray(),
          all.getCertificateChain(alias));
    }
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(own, PASSWORD.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private KeyStore load() throws Exception {
    return KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
  }

  private static String pem(String type, byte[] der) {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n";
  }

  private void keytool(String... args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(List.of(args));
    command.addAll(
        List.of("-keystore", store.toString(), "-storetype", "PKCS12", "-storepass", PASSWORD));
    command.add("-noprompt");
    if (args[0].equals("-genkeypair")) {
      command.addAll(List.of("-keyalg", "EC", "-groupname", "secp256r1", "-validity", "2"));
    }
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
      throw new IOException("keytool: " + output);
    }
  }
}
