package io.llmguard.policy;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestPathTest {
  @ParameterizedTest
  @CsvSource({
    "/,/",
    "/api/chat,/api/chat",
    "/api/%70ull,/api/pull",
    "/api/%50ULL,/api/PULL",
    "/v1/models/gemma3%3a270m,/v1/models/gemma3:270m",
    "/v1/models/gemma3:270m,/v1/models/gemma3:270m",
    "/a/%C3%A4,/a/ä",
    "/api/...,/api/..."
  })
  void isDecodedOnce(String raw, String expected) {
    assertThat(RequestPath.normalise(raw)).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "api/chat",
        "*",
        "http://other/api/chat",
        "//api/pull",
        "/api//pull",
        "/api/./pull",
        "/api/../pull",
        "/api/%2e%2e/pull",
        "/api/.%2E/pull",
        "/api/chat/",
        "/api/chat/.",
        "/api/chat;jsessionid=1",
        "/api/chat%3Bjsessionid=1",
        "/api%2fpull",
        "/api%5Cpull",
        "/api\\pull",
        "/api/%2570ull",
        "/api/chat%00",
        "/api/chat%0a",
        "/api/chat%20",
        "/api/chat%",
        "/api/chat%7",
        "/api/chat%zz",
        "/api/chat%-1",
        "/api/%c0%af",
        "/api/%ff",
        "/api/chät",
        "/api/chat%3F",
        "/api/chat%23x"
      })
  void isRefusedWhereTwoServersCouldReadItDifferently(String raw) {
    assertThat(RequestPath.normalise(raw)).isNull();
  }

  @Test
  void whatPassesIsReadTheSameByAUriParser() {
    Random random = new Random(42);
    String[] pieces = {"/", "a", ".", "..", "%2e", "%2F", "%61", ";", "%", "api", "%C3%A9", "\\"};
    int passed = 0;
    for (int i = 0; i < 200_000; i++) {
      StringBuilder raw = new StringBuilder("/");
      for (int n = random.nextInt(8); n > 0; n--) {
        raw.append(pieces[random.nextInt(pieces.length)]);
      }
      String path = RequestPath.normalise(raw.toString());
      if (path != null) {
        passed++;
        URI uri = URI.create("http://h" + raw);
        assertThat(uri.getPath()).isEqualTo(path);
        assertThat(uri.normalize().getPath()).isEqualTo(path);
      }
    }
    assertThat(passed).isGreaterThan(1000);
  }
}
