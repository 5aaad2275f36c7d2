package io.llmguard.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.Decision;
import io.llmguard.Guard;
import io.llmguard.Refusal;
import io.llmguard.network.TransportStage.PlainHttp;
import io.llmguard.testkit.TestRequest;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TransportStageTest {
  private static final String ELSEWHERE = "198.51.100.7";
  private static final TransportStage REFUSING = TransportStage.builder().build();
  private static final TransportStage REDIRECTING =
      TransportStage.builder()
          .plainHttp(PlainHttp.REDIRECT)
          .hosts(List.of("llm.example"))
          .redirectPort(8443)
          .build();

  private static Decision decide(TransportStage stage, TestRequest request) {
    Guard guard =
        Guard.builder()
            .stage(new ClientAddressStage(ClientAddressResolver.behind(CidrSet.LOOPBACK)))
            .stage(stage)
            .build();
    return guard.admit(request).toCompletableFuture().join();
  }

  private static String outcome(TransportStage stage, TestRequest request) {
    return decide(stage, request) instanceof Decision.Refuse refuse
        ? refuse.refusal().status() + " " + refuse.refusal().reason()
        : "admitted";
  }

  private static Refusal refusal(TransportStage stage, TestRequest request) {
    return ((Decision.Refuse) decide(stage, request)).refusal();
  }

  private static TestRequest plain(String method, String target) {
    return TestRequest.of(method, target).peer(ELSEWHERE).authority("llm.example:8080");
  }

  @Test
  void plainHttpIsTakenFromThisMachineOnly() {
    assertThat(outcome(REFUSING, TestRequest.of("GET", "/"))).isEqualTo("admitted");
    assertThat(outcome(REFUSING, TestRequest.of("GET", "/").peer("::1"))).isEqualTo("admitted");
    assertThat(outcome(REFUSING, plain("GET", "/"))).isEqualTo("403 tls-required");
    assertThat(outcome(REFUSING, plain("GET", "/").secure(true))).isEqualTo("admitted");
    TransportStage strict = TransportStage.builder().plainFromLoopback(false).build();
    assertThat(outcome(strict, TestRequest.of("GET", "/"))).isEqualTo("403 tls-required");
    TransportStage open = TransportStage.builder().plainHttp(PlainHttp.ALLOW).build();
    assertThat(outcome(open, plain("GET", "/"))).isEqualTo("admitted");
  }

  @Test
  void aProxyOnThisMachineDoesNotMakeItsCallersLocal() {
    TestRequest proxied = TestRequest.of("GET", "/").header("X-Forwarded-For", ELSEWHERE);
    assertThat(outcome(REFUSING, proxied)).isEqualTo("403 tls-required");
    assertThat(outcome(REFUSING, proxied.header("X-Forwarded-Proto", "https")))
        .isEqualTo("admitted");
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET", "HEAD", "OPTIONS"})
  void aSafeCallWithoutACredentialIsRedirected(String method) {
    Refusal refusal = refusal(REDIRECTING, plain(method, "/v1/models?limit=2"));
    assertThat(refusal.status()).isEqualTo(308);
    assertThat(refusal.headers().first("Location"))
        .isEqualTo("https://llm.example:8443/v1/models?limit=2");
  }

  @Test
  void aCallThatCouldExposeSomethingIsNeverRedirected() {
    assertThat(outcome(REDIRECTING, plain("POST", "/api/chat"))).isEqualTo("403 tls-required");
    assertThat(outcome(REDIRECTING, plain("get", "/"))).isEqualTo("403 tls-required");
    for (String field : List.of("Authorization", "x-api-key", "api-key", "Cookie")) {
      Refusal refusal = refusal(REDIRECTING, plain("GET", "/").header(field, "planted-secret"));
      assertThat(refusal.status()).isEqualTo(403);
      assertThat(refusal.detail()).contains("have it replaced").doesNotContain("planted-secret");
      assertThat(refusal.headers().contains("Location")).isFalse();
    }
    assertThat(outcome(REDIRECTING, plain("GET", "/?a=b&KEY=planted-secret")))
        .isEqualTo("403 tls-required");
    assertThat(outcome(REDIRECTING, plain("GET", "/").authority("evil.example")))
        .isEqualTo("421 unknown-host");
    assertThatThrownBy(() -> TransportStage.builder().plainHttp(PlainHttp.REDIRECT).build())
        .hasMessageContaining("set hosts");
  }

  @Test
  void onlySecureAnswersAskToStaySecure() {
    TransportStage stage =
        TransportStage.builder().hsts(Duration.ofDays(1), true).plainHttp(PlainHttp.ALLOW).build();
    Decision.Admit secure = (Decision.Admit) decide(stage, plain("GET", "/").secure(true));
    assertThat(secure.exchange().responseHeaders().first("Strict-Transport-Security"))
        .isEqualTo("max-age=86400; includeSubDomains");
    Decision.Admit open = (Decision.Admit) decide(stage, plain("GET", "/"));
    assertThat(open.exchange().responseHeaders().contains("Strict-Transport-Security")).isFalse();
    TransportStage none = TransportStage.builder().hsts(Duration.ZERO, false).build();
    Decision.Admit off = (Decision.Admit) decide(none, plain("GET", "/").secure(true));
    assertThat(off.exchange().responseHeaders().contains("Strict-Transport-Security")).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "llm.example,admitted",
    "LLM.Example:11434,admitted",
    "llm.example.,admitted",
    "localhost,admitted",
    "localhost:1,admitted",
    "127.0.0.1:8081,admitted",
    "127.9.9.9,admitted",
    "[::1]:8081,admitted",
    "[2001:DB8:0::5]:8081,admitted",
    "[2001:db8::6],421 unknown-host",
    "evil.example,421 unknown-host",
    "llm.example.evil.example,421 unknown-host",
    "localhost.evil.example,421 unknown-host",
    "0.0.0.0,421 unknown-host",
    "user@llm.example,400 bad-host",
    "llm.example:80:80,400 bad-host",
    "llm.example:x,400 bad-host",
    "llm.example:123456,400 bad-host",
    "'llm.example,evil.example',400 bad-host",
    "llm.example/x,400 bad-host",
    "[::1,400 bad-host",
    "[localhost],400 bad-host",
    "::1,400 bad-host",
    "'',400 bad-host",
    ".,400 bad-host",
    ",400 bad-host"
  })
  void hostIsMatchedByNameOnAnyPort(String authority, String expected) {
    TransportStage stage =
        TransportStage.builder().hosts(List.of("llm.example", "2001:db8::5")).build();
    assertThat(outcome(stage, TestRequest.of("GET", "/").authority(authority))).isEqualTo(expected);
  }

  @Test
  void twoHostsAreNone() {
    TestRequest request = TestRequest.of("GET", "/").authority("localhost");
    assertThat(outcome(REFUSING, request.header("Host", "localhost:8081"))).isEqualTo("admitted");
    assertThat(outcome(REFUSING, request.header("Host", "localhost:8081")))
        .isEqualTo("400 bad-host");
    TestRequest other = TestRequest.of("GET", "/").authority("localhost");
    assertThat(outcome(REFUSING, other.header("Host", "evil.example"))).isEqualTo("400 bad-host");
  }

  @Test
  void aConfiguredHostThatIsNoNameIsAnErrorAtStart() {
    assertThatThrownBy(() -> TransportStage.builder().hosts(List.of("llm.example:8081")))
        .hasMessageContaining("llm.example:8081")
        .hasMessageContaining("without a port");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "Content-Length: 5|admitted",
        "Transfer-Encoding: chunked|admitted",
        "Transfer-Encoding: Chunked|admitted",
        "Content-Length: 5; Transfer-Encoding: chunked|400 bad-framing",
        "Transfer-Encoding: chunked; Content-Length: 5|400 bad-framing",
        "Transfer-Encoding: gzip, chunked|400 bad-framing",
        "Transfer-Encoding: xchunked|400 bad-framing",
        "Transfer-Encoding: chunked; Transfer-Encoding: chunked|400 bad-framing",
        "Content-Length: 5; Content-Length: 5|400 bad-framing",
        "Content-Length: 5, 5|400 bad-framing",
        "Content-Length: +5|400 bad-framing",
        "Content-Length: -1|400 bad-framing",
        "Content-Length: 0x5|400 bad-framing",
        "Content-Length: 99999999999999999999|400 bad-framing",
        "Upgrade: websocket|400 upgrade-refused",
        "Upgrade: h2c|admitted",
        "Upgrade: h2c, websocket|400 upgrade-refused"
      })
  void aFramingThatReadsInTwoWaysIsRefused(String fields, String expected) {
    TestRequest request = TestRequest.of("POST", "/api/chat");
    for (String field : fields.split("; ", -1)) {
      String[] parts = field.split(": ", 2);
      request.header(parts[0], parts[1]);
    }
    assertThat(outcome(REFUSING, request)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(strings = {"CONNECT", "TRACE", "trace", "TRACK"})
  void methodsThatTurnTheConnectionIntoSomethingElseAreRefused(String method) {
    Refusal refusal = refusal(REFUSING, TestRequest.of(method, "/"));
    assertThat(refusal.status()).isEqualTo(405);
    assertThat(refusal.headers().first("Allow")).contains("POST").doesNotContain("TRACE");
  }
}
