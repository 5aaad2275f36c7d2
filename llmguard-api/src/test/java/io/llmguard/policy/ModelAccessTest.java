package io.llmguard.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.limit.ModelNames;
import java.util.List;
import org.junit.jupiter.api.Test;

class ModelAccessTest {
  @Test
  void namesWithAndWithoutLatestAreTheSameModel() {
    assertThat(ModelAccess.of(List.of("mistral")).allows("mistral:latest")).isTrue();
    assertThat(ModelAccess.of(List.of("mistral:latest")).allows("mistral")).isTrue();
    assertThat(ModelAccess.of(List.of("mistral")).allows("mistral:7b")).isFalse();
  }

  @Test
  void aStarStandsForAnyCharactersAndNothingElseIsSpecial() {
    ModelAccess access = ModelAccess.of(List.of("gemma3:*", "a.c"));
    assertThat(access.allows("gemma3:270m")).isTrue();
    assertThat(access.allows("gemma3")).isFalse();
    assertThat(access.allows("gemma3n:2b")).isFalse();
    assertThat(access.allows("abc")).isFalse();
  }

  @Test
  void aCloudModelIsAllowedByItsExactNameOnly() {
    assertThat(ModelAccess.ALL.allows("gpt-oss:120b-cloud")).isFalse();
    assertThat(ModelAccess.ALL.allows("gpt-oss:cloud")).isFalse();
    assertThat(ModelAccess.ALL.allows("gpt-oss:CLOUD")).isFalse();
    assertThat(ModelAccess.of(List.of("gpt-oss:*")).allows("gpt-oss:cloud")).isFalse();
    assertThat(ModelAccess.of(List.of("gpt-oss:cloud")).allows("gpt-oss:cloud")).isTrue();
    assertThat(ModelAccess.ALL.allows("cloud")).isTrue();
  }

  @Test
  void anEmptyListAllowsNothing() {
    assertThat(ModelAccess.of(List.of()).allows("a")).isFalse();
  }

  @Test
  void noOtherSpellingOfACloudModelPasses() {
    for (String model :
        List.of(
            "https://gpt-oss:120b-cloud",
            "http://ollama.com/library/gpt-oss:120b-cloud",
            "gpt-oss:cloud:local",
            "gpt-oss:120b-Cloud:LATEST:Local")) {
      assertThat(ModelAccess.ALL.allows(model)).as(model).isFalse();
    }
    assertThat(ModelAccess.of(List.of("gpt-oss:cloud")).allows("https://gpt-oss:cloud")).isTrue();
  }

  @Test
  void schemeLatestAndLocalMakeNoOtherModel() {
    for (String model :
        List.of("Mistral", "https://Mistral", "Mistral:local", "Mistral:Latest:LOCAL")) {
      assertThat(ModelAccess.canonical(model)).isEqualTo("Mistral");
      assertThat(ModelNames.plain(model)).isEqualTo("mistral");
    }
    assertThat(ModelNames.plain("https://registry.ollama.ai/library/mistral:local"))
        .isEqualTo("mistral");
    assertThat(ModelAccess.canonical("mistral:7b-local")).isEqualTo("mistral:7b-local");
  }
}
