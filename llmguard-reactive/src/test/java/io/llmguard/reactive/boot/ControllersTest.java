package io.llmguard.reactive.boot;

import io.llmguard.boot.ControllersContract;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;
import reactor.core.publisher.Flux;

class ControllersTest extends ControllersContract {
  ControllersTest() {
    super(Streaming.class);
  }

  @RestController
  static class Streaming {
    @GetMapping(path = "/api/stream", produces = MediaType.TEXT_PLAIN_VALUE)
    Flux<String> stream() {
      return Flux.range(0, 3).map(i -> "piece " + i + "\n");
    }
  }
}
