package io.llmguard.benchmark.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
class ClientsTest {
  private Upstream upstream;

  ClientsTest() {}

  @BeforeEach
  void startUpstream() throws IOException {
    upstream = Upstream.start();
  }

  @AfterEach
  void stopUpstream() throws IOException {
    upstream.close();
  }

  @ParameterizedTest
  @EnumSource
  void eachClientGivesEachTokenOfEachAnswer(Clients client) throws Exception {
    List<String> expected = new ArrayList<>();
    for (int i = 0; i < Script.TOKENS; i++) {
      expected.add(Script.token(i));
    }
    try (Reader reader = client.open(upstream.url())) {
      for (int answer = 0; answer < 2; answer++) {
        List<String> pieces = new ArrayList<>();
        reader.read(pieces::add);
        pieces.removeIf(String::isEmpty);
        assertThat(pieces).isEqualTo(expected);
      }
    }
  }

  @Test
  void aMeasurementHasTimeAndMemoryInIt() throws Exception {
    try (Reader reader = Clients.LLMGUARD.open(upstream.url())) {
      // long enough for many answers: some collectors count the heap by the region
      Sample sample = new ReadCommand().measure(reader, 1, 1_000_000_000L);
      assertThat(sample.tokensPerSecond()).isPositive();
      assertThat(Sample.parse(sample.line()).bytesPerToken()).isPositive();
    }
  }

  @Test
  void whatIsAllocatedIsCountedAcrossCollections() throws Exception {
    Allocations allocations = new Allocations();
    long before = allocations.bytes();
    List<byte[]> last = new ArrayList<>(List.of(new byte[0]));
    for (int i = 0; i < 6400; i++) {
      last.set(0, new byte[1 << 16]);
      if (i % 1600 == 0) {
        System.gc();
      }
    }
    assertThat(last.get(0)).hasSize(1 << 16);
    // 400 MiB, as near as a collector comes that counts by the region
    assertThat(allocations.bytes() - before).isBetween(300L << 20, 500L << 20);
  }
}
