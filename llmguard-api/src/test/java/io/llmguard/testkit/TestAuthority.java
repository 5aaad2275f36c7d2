package io.llmguard.testkit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** A certificate authority of the JDK's own keytool, which keeps its files in one folder. */
public final class TestAuthority {
  /** The password of every store. */
  public static final String PASSWORD = "changeit";

  private final Path folder;
  private final Path store;

  /** A new authority. */
  public TestAuthority(Path folder) throws IOException, InterruptedException {
    this.folder = folder;
    this.store = folder.resolve("authority.p12");
    keytool("-genkeypair", "-alias", "ca", "-dname", "CN=test authority", "-ext", "bc=ca:true");
  }

  /** Issues a certificate with this subject, for localhost, under this alias. */
  public TestAuthority issue(String alias, String subject)
      throws IOException, InterruptedException {
    return issue(alias, subject, "dns:localhost,ip:127.0.0.1");
  }

  /** Issues a certificate with this subject, for these names as keytool writes them. */
  public TestAuthority issue(String alias, String subject, String names)
      throws IOException, InterruptedException {
    String request = folder.resolve(alias + ".csr").toString();
    String certificate = folder.resolve(alias + ".crt").toString();
    keytool("-genkeypair", "-alias", alias, "-dname", subject);
    keytool("-certreq", "-alias", alias, "-file", request);
    keytool(
        "-gencert",
        "-alias",
        "ca",
        "-infile",
        request,
        "-outfile",
        certificate,
        "-ext",
        "san=" + names);
    keytool("-importcert", "-alias", alias, "-file", certificate);
    return this;
  }

  /** The certificate of an alias. */
  public X509Certificate certificate(String alias) throws IOException, GeneralSecurityException {
    return (X509Certificate) load().getCertificate(alias);
  }

  /** A store with the key and the chain of an alias; empty for the empty alias. */
  public KeyStore keys(String alias) throws IOException, GeneralSecurityException {
    KeyStore all = load();
    KeyStore own = KeyStore.getInstance("PKCS12");
    own.load(null, null);
    if (!alias.isEmpty()) {
      char[] password = PASSWORD.toCharArray();
      own.setKeyEntry(alias, all.getKey(alias, password), password, all.getCertificateChain(alias));
    }
    return own;
  }

  /** A store that trusts this authority and nobody else. */
  public KeyStore trusted() throws IOException, GeneralSecurityException {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("ca", load().getCertificate("ca"));
    return trusted;
  }

  /** TLS that trusts the authority and shows the certificate of an alias, or none if empty. */
  public SSLContext context(String alias) throws IOException, GeneralSecurityException {
    TrustManagerFactory trust =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted());
    KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    keys.init(keys(alias), PASSWORD.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
    return context;
  }

  private KeyStore load() throws IOException, GeneralSecurityException {
    return KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
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
