package io.llmguard.servlet.boot;

import io.llmguard.boot.ControllersContract;
import java.nio.charset.StandardCharsets;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import org.springframework.web.servlet.mvc.method.annotation.StreamingResponseBody;

class ControllersTest extends ControllersContract {
  ControllersTest() {
    super(Streaming.class);
  }

  @RestController
  static class Streaming {
    @GetMapping("/api/stream")
    StreamingResponseBody stream() {
      return out -> {
        for (int i = 0; i < 3; i++) {
          out.write(("piece " + i + "\n").getBytes(StandardCharsets.UTF_8));
          out.flush();
        }
      };
    }
  }
}
