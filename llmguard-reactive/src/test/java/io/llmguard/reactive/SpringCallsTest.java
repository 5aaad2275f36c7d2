package io.llmguard.reactive;

import io.llmguard.boot.SpringCallsContract;
import org.junit.jupiter.api.Tag;

@Tag("server")
@Tag("boot")
class SpringCallsTest extends SpringCallsContract {
  SpringCallsTest() {
    super(GuardWebFilter.class);
  }
}
