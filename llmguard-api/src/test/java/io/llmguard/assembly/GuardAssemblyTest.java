package io.llmguard.assembly;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.llmguard.TimeSource;
import io.llmguard.assembly.GuardSettings.Limits;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.InMemoryRateLimitStore;
import java.util.List;
import org.junit.jupiter.api.Test;

class GuardAssemblyTest {
  private static GuardSettings settings(Limits limits) {
    GuardSettings usual = GuardSettings.DEFAULTS;
    return new GuardSettings(
        usual.dataDir(),
        null,
        true,
        List.of(),
        List.of(),
        null,
        List.of(),
        List.of(),
        List.of(),
        List.of(),
        usual.plainHttp(),
        null,
        usual.rateLimits(),
        usual.concurrency(),
        limits,
        usual.ceilings(),
        usual.audit(),
        usual.contentGuards());
  }

  private static Limits sizes(ByteSize body, ByteSize upload) {
    Limits usual = Limits.DEFAULTS;
    return new Limits(
        body,
        usual.bodyTime(),
        upload,
        usual.connect(),
        usual.firstByte(),
        usual.idle(),
        usual.total(),
        null,
        usual.drain());
  }

  @Test
  void aSizeThatNothingFitsIntoIsRefusedByName() {
    Limits usual = Limits.DEFAULTS;
    ByteSize nothing = new ByteSize(0);
    try (KeyDirectory keys = KeyDirectory.builder(new MemoryKeyStore()).open();
        InMemoryRateLimitStore counters = new InMemoryRateLimitStore(TimeSource.system())) {
      assertThatThrownBy(
              () ->
                  GuardAssembly.builder(settings(sizes(nothing, usual.upload())), keys, counters)
                      .build())
          .isInstanceOf(SettingException.class)
          .hasMessageContaining("limits.body");
      assertThatThrownBy(
              () ->
                  GuardAssembly.builder(settings(sizes(usual.body(), nothing)), keys, counters)
                      .build())
          .isInstanceOf(SettingException.class)
          .hasMessageContaining("limits.upload");
    }
  }
}
