package io.llmguard.network;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Guard;
import io.llmguard.testkit.TestRequest;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NetworkStageTest {
  @ParameterizedTest
  @CsvSource({
    "10.0.1.5,true",
    "::ffff:10.0.1.5,true",
    "10.0.1.6,false",
    "10.0.2.1,false",
    "2001:db8::1,false"
  })
  void denyingWinsOverAllowing(String peer, boolean passes) {
    NetworkStage stage = new NetworkStage(CidrSet.of("10.0.1.0/24"), CidrSet.of("10.0.1.6"));
    assertThat(admits(stage, peer)).isEqualTo(passes);
  }

  @ParameterizedTest
  @CsvSource({"10.0.1.5", "2001:db8::1"})
  void anEmptySetAllowsNobodyAndTheFullOneEverybody(String peer) {
    assertThat(admits(new NetworkStage(CidrSet.NONE, CidrSet.NONE), peer)).isFalse();
    assertThat(admits(new NetworkStage(CidrSet.ALL, CidrSet.NONE), peer)).isTrue();
  }

  private static boolean admits(NetworkStage stage, String peer) {
    Guard guard = Guard.builder().stage(stage).build();
    Decision decision =
        guard.admit(TestRequest.of("GET", "/").peer(peer)).toCompletableFuture().join();
    return decision instanceof Decision.Admit;
  }
}
