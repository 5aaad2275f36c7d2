package io.llmguard.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Guard;
import io.llmguard.HeaderMap;
import io.llmguard.network.ClientAddressResolver.Client;
import io.llmguard.network.ClientAddressResolver.Source;
import io.llmguard.testkit.TestRequest;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClientAddressResolverTest {
  private static final CidrSet PROXIES = CidrSet.of("10.0.0.0/24", "2001:db8:99::/48");
  private static final ClientAddressResolver XFF = ClientAddressResolver.behind(PROXIES);
  private static final ClientAddressResolver FORWARDED =
      ClientAddressResolver.builder().trustedProxies(PROXIES).source(Source.FORWARDED).build();

  private static Client resolve(ClientAddressResolver resolver, String peer, String... fields) {
    HeaderMap headers = new HeaderMap();
    for (int i = 0; i < fields.length; i += 2) {
      headers.add(fields[i], fields[i + 1]);
    }
    return resolver.resolve(IpAddresses.parse(peer), false, headers);
  }

  private static String address(ClientAddressResolver resolver, String peer, String... fields) {
    return resolve(resolver, peer, fields).address().getHostAddress();
  }

  @Test
  void lessonAllowedIpsComparedWithTheLeftmostSpoofableAddress() {
    String spoofed = "127.0.0.1, 198.51.100.7";
    assertThat(address(XFF, "10.0.0.1", "X-Forwarded-For", spoofed)).isEqualTo("198.51.100.7");
    NetworkStage inner = new NetworkStage(CidrSet.LOOPBACK, CidrSet.NONE);
    Guard guard = Guard.builder().stage(new ClientAddressStage(XFF)).stage(inner).build();
    Decision decision =
        guard
            .admit(TestRequest.of("GET", "/").peer("10.0.0.1").header("X-Forwarded-For", spoofed))
            .toCompletableFuture()
            .join();
    assertThat(((Decision.Refuse) decision).refusal().reason()).isEqualTo("network-denied");
    assertThat(((Decision.Refuse) decision).refusal().status()).isEqualTo(403);
  }

  @Test
  void whatAnUntrustedPeerSaysIsIgnored() {
    Client client =
        resolve(
            XFF,
            "198.51.100.7",
            "X-Forwarded-For",
            "127.0.0.1",
            "Forwarded",
            "for=10.0.0.9;proto=https",
            "X-Forwarded-Proto",
            "https");
    assertThat(client.address().getHostAddress()).isEqualTo("198.51.100.7");
    assertThat(client.secure()).isFalse();
    assertThat(client.conflict()).isFalse();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "198.51.100.7|198.51.100.7",
        "198.51.100.7:4711|198.51.100.7",
        "2001:db8::7|2001:db8:0:0:0:0:0:7",
        "[2001:db8::7]|2001:db8:0:0:0:0:0:7",
        "[2001:db8::7]:4711|2001:db8:0:0:0:0:0:7",
        "::ffff:198.51.100.7|198.51.100.7",
        "1.1.1.1, 198.51.100.7, 10.0.0.2|198.51.100.7",
        "1.1.1.1,198.51.100.7,10.0.0.2 , ,|198.51.100.7",
        "10.0.0.3, 10.0.0.2|10.0.0.3",
        // malformed elements end the walk at the last good hop
        "198.51.100.7, nonsense, 10.0.0.2|10.0.0.2",
        "198.51.100.7, unknown|10.0.0.1",
        "198.51.100.7, 10.0.0.2:99999999|10.0.0.1",
        "198.51.100.7, [10.0.0.2]|10.0.0.1",
        "198.51.100.7, localhost|10.0.0.1",
        "198.51.100.7, 010.0.0.2|10.0.0.1",
        "''|10.0.0.1"
      })
  void forwardedForIsWalkedFromTheRight(String value, String expected) {
    assertThat(address(XFF, "10.0.0.1", "X-Forwarded-For", value)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "for=198.51.100.7|198.51.100.7",
        "FOR=\"198.51.100.7:4711\";by=10.0.0.1|198.51.100.7",
        "for=\"[2001:db8::7]:4711\"|2001:db8:0:0:0:0:0:7",
        "for=\"[2001:db8::7]:_p\"|2001:db8:0:0:0:0:0:7",
        "for=1.1.1.1, for=198.51.100.7, for=10.0.0.2|198.51.100.7",
        "for=\"198.51.100\\.7\"|198.51.100.7",
        "for=1.1.1.1;host=\"a,b\", for=198.51.100.7;host=\"c,d;e\"|198.51.100.7",
        "for=198.51.100.7, for=unknown|10.0.0.1",
        "for=198.51.100.7, for=_hidden, for=10.0.0.2|10.0.0.2",
        "for=198.51.100.7, by=10.0.0.9|10.0.0.1",
        "for=198.51.100.7, for=10.0.0.2;for=1.1.1.1|10.0.0.1",
        "for=198.51.100.7, for=\"10.0.0.2|10.0.0.1",
        "for=198.51.100.7, for=2001:db8:99::1|10.0.0.1",
        // what the caller wrote at the left cannot swallow what the proxy appended
        "for=\"127.0.0.1, for=198.51.100.7|198.51.100.7",
        "for=\"127.0.0.1, for=\"[2001:db8::7]\"|2001:db8:0:0:0:0:0:7",
        "for=\"127.0.0.1\\, for=198.51.100.7;proto=https|198.51.100.7"
      })
  void forwardedIsWalkedFromTheRight(String value, String expected) {
    assertThat(address(FORWARDED, "10.0.0.1", "Forwarded", value)).isEqualTo(expected);
  }

  @Test
  void aProxysOwnFieldLineIsNearerThanThoseBefore() {
    assertThat(
            address(
                XFF, "10.0.0.1", "X-Forwarded-For", "127.0.0.1", "x-forwarded-for", "198.51.100.7"))
        .isEqualTo("198.51.100.7");
  }

  @Test
  void onlyTheConfiguredFieldIsRead() {
    assertThat(address(XFF, "10.0.0.1", "Forwarded", "for=10.0.0.1")).isEqualTo("10.0.0.1");
    assertThat(resolve(XFF, "10.0.0.1", "Forwarded", "for=198.51.100.7").conflict()).isTrue();
    assertThat(address(FORWARDED, "10.0.0.1", "X-Forwarded-For", "127.0.0.1"))
        .isEqualTo("10.0.0.1");
  }

  @Test
  void twoFieldsThatDisagreeAreRefusedInsteadOfGuessed() {
    Guard guard = Guard.builder().stage(new ClientAddressStage(XFF)).build();
    TestRequest request =
        TestRequest.of("GET", "/")
            .peer("10.0.0.1")
            .header("X-Forwarded-For", "198.51.100.7")
            .header("Forwarded", "for=10.9.9.9");
    Decision decision = guard.admit(request).toCompletableFuture().join();
    assertThat(((Decision.Refuse) decision).refusal().reason()).isEqualTo("forwarded-conflict");

    String[] fields = {"X-Forwarded-For", "198.51.100.7", "Forwarded", "for=198.51.100.7:80"};
    assertThat(resolve(XFF, "10.0.0.1", fields).conflict()).isFalse();
    ClientAddressResolver sure =
        ClientAddressResolver.builder().trustedProxies(PROXIES).ignoreOtherField(true).build();
    fields[3] = "for=10.9.9.9";
    assertThat(resolve(sure, "10.0.0.1", fields))
        .isEqualTo(new Client(IpAddresses.parse("198.51.100.7"), false, false));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "198.51.100.7|https|true",
        "198.51.100.7|HTTPS|true",
        "198.51.100.7|http|false",
        "198.51.100.7|https, http|false",
        "198.51.100.7|http, https|true",
        "198.51.100.7, 10.0.0.2|https, http|true",
        "198.51.100.7, 10.0.0.2|http, https|false",
        "198.51.100.7, 10.0.0.2|https|true",
        "198.51.100.7, 10.0.0.3, 10.0.0.2|https, https|false",
        "198.51.100.7||false"
      })
  void theProtocolIsThatOfTheHopThatWasTaken(String hops, String protocols, boolean secure) {
    HeaderMap headers = new HeaderMap().add("X-Forwarded-For", hops);
    if (protocols != null) {
      headers.add("X-Forwarded-Proto", protocols);
    }
    // the proxy's own connection is TLS, which says nothing about the caller's
    assertThat(XFF.resolve(IpAddresses.parse("10.0.0.1"), true, headers).secure())
        .isEqualTo(secure);
  }

  @Test
  void theProtocolOfForwardedStandsInTheSameElement() {
    String value = "for=1.1.1.1;proto=https, for=198.51.100.7;proto=http, for=10.0.0.2;proto=https";
    assertThat(resolve(FORWARDED, "10.0.0.1", "Forwarded", value).secure()).isFalse();
    assertThat(
            resolve(FORWARDED, "10.0.0.1", "Forwarded", "for=198.51.100.7;proto=\"https\"")
                .secure())
        .isTrue();
    assertThat(
            resolve(
                    FORWARDED,
                    "10.0.0.1",
                    "Forwarded",
                    "for=198.51.100.7",
                    "X-Forwarded-Proto",
                    "https")
                .secure())
        .isFalse();
  }

  @Test
  void nothingThatACallerWritesAtTheLeftChangesWhoHeIs() {
    Random random = new Random(7239);
    String alphabet = "\"\\,;=[]:. for127_unknow";
    for (int round = 0; round < 20_000; round++) {
      StringBuilder noise = new StringBuilder();
      for (int i = random.nextInt(30); i > 0; i--) {
        noise.append(alphabet.charAt(random.nextInt(alphabet.length())));
      }
      assertThat(
              address(
                  FORWARDED, "10.0.0.1", "Forwarded", noise + ", for=\"[2001:db8::7]:1\";by=_x"))
          .as("noise <%s>", noise)
          .isEqualTo("2001:db8:0:0:0:0:0:7");
      assertThat(address(XFF, "10.0.0.1", "X-Forwarded-For", noise + ", 198.51.100.7"))
          .as("noise <%s>", noise)
          .isEqualTo("198.51.100.7");
    }
  }
}
