package io.llmguard.wire;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CallerCeilingsTest {
  private static final Map<String, Object> ALL =
      Map.of(
          "output_tokens",
          100L,
          "context",
          4096L,
          "keep_alive",
          "PT5M",
          "min_keep_alive",
          "PT1M",
          "logprobs",
          0,
          "choices",
          1,
          "load_options",
          false,
          "load_only",
          false);

  @Test
  void whatIsWrittenIsWhatIsRead() {
    CallerCeilings read = CallerCeilings.parse(ALL);
    assertThat(read.named()).isEqualTo(ALL);
    assertThat(CallerCeilings.parse(read.named())).isEqualTo(read);
    assertThat(CallerCeilings.parse(Map.of("keep_alive", 300, "min_keep_alive", 0)).keepAlive())
        .isEqualTo(Duration.ofMinutes(5));
    assertThat(CallerCeilings.NONE.named()).isEmpty();
    assertThat(CallerCeilings.parse(Map.of())).isEqualTo(CallerCeilings.NONE);
  }

  @ParameterizedTest
  @CsvSource({
    "output_token, 5", "output_tokens, 0", "output_tokens, many", "context, -1",
    "keep_alive, -1", "keep_alive, soon", "min_keep_alive, PT-1S", "logprobs, -1",
    "logprobs, 9999999999", "choices, 0", "load_only, no", "load_options, 1",
  })
  void aCeilingThatIsNotUnderstoodIsNotTakenForNone(String name, String text) {
    Object value = text.matches("-?\\d+") ? (Object) Long.valueOf(text) : text;
    assertThatThrownBy(() -> CallerCeilings.parse(Map.of(name, value)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aCallersCeilingsOnlyTakeAway() {
    Ceilings wide =
        Ceilings.builder()
            .maxOutputTokens(1_000)
            .maxKeepAlive(Duration.ofHours(1))
            .maxChoices(4)
            .remoteMedia(true)
            .build();
    Ceilings held = CallerCeilings.parse(ALL).under(wide);
    assertThat(held.maxOutputTokens()).isEqualTo(100);
    assertThat(held.maxContextTokens()).isEqualTo(4096);
    assertThat(held.maxKeepAlive()).isEqualTo(Duration.ofMinutes(5));
    assertThat(held.minKeepAlive()).isEqualTo(Duration.ofMinutes(1));
    assertThat(held.maxChoices()).isEqualTo(1);
    assertThat(held.loadOptions()).isFalse();
    assertThat(held.loadOnly()).isFalse();
    assertThat(held.remoteMedia()).isTrue();

    Map<String, Object> generous = new HashMap<>();
    generous.put("output_tokens", 1_000_000L);
    generous.put("context", null);
    generous.put("keep_alive", "P1D");
    generous.put("load_only", true);
    Ceilings narrow =
        Ceilings.builder()
            .maxOutputTokens(10)
            .maxKeepAlive(Duration.ofSeconds(30))
            .minKeepAlive(Duration.ofSeconds(20))
            .loadOnly(false)
            .build();
    assertThat(CallerCeilings.parse(generous).under(narrow)).isEqualTo(narrow);
    assertThat(CallerCeilings.NONE.under(narrow)).isSameAs(narrow);
    // where a key's model may stay loaded for less than all must let it
    assertThat(CallerCeilings.parse(Map.of("keep_alive", 5)).under(narrow).minKeepAlive())
        .isEqualTo(Duration.ofSeconds(5));
  }
}
