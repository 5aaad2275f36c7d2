package io.llmguard.servlet.boot;

import io.llmguard.boot.SpringCallsContract;
import org.junit.jupiter.api.Tag;

@Tag("boot")
class SpringCallsTest extends SpringCallsContract {
  SpringCallsTest() {
    super(LlmGuardServletAutoConfiguration.class);
  }
}
