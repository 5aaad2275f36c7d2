package io.llmguard.reactive.boot;

import io.llmguard.boot.BeansContract;

class BeansTest extends BeansContract {
  BeansTest() {
    super(LlmGuardReactiveAutoConfiguration.class);
  }
}
