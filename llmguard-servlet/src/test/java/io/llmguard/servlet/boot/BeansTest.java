package io.llmguard.servlet.boot;

import io.llmguard.boot.BeansContract;

class BeansTest extends BeansContract {
  BeansTest() {
    super(LlmGuardServletAutoConfiguration.class);
  }
}
