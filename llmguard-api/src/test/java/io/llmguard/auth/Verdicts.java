package io.llmguard.auth;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Decision;
import io.llmguard.Exchange;
import io.llmguard.Guard;
import io.llmguard.GuardRequest;
import io.llmguard.Refusal;
import io.llmguard.TimeSource;
import java.util.concurrent.TimeUnit;

/** Reads the decisions of a guard that has one authentication stage. */
final class Verdicts {
  private Verdicts() {}

  static Guard guard(TimeSource time, Authenticator... authenticators) {
    AuthenticationStage.Builder stage = AuthenticationStage.builder();
    for (Authenticator authenticator : authenticators) {
      stage.authenticator(authenticator);
    }
    return Guard.builder().stage(stage.build()).time(time).build();
  }

  static Decision decision(Guard guard, GuardRequest request) {
    try {
      return guard.admit(request).toCompletableFuture().get(30, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  static Exchange admitted(Guard guard, GuardRequest request) {
    Decision decision = decision(guard, request);
    assertThat(decision).isInstanceOf(Decision.Admit.class);
    return ((Decision.Admit) decision).exchange();
  }

  static Caller caller(Guard guard, GuardRequest request) {
    Caller caller = admitted(guard, request).caller();
    assertThat(caller).isNotNull();
    return caller == null ? Caller.builder(Caller.Kind.OTHER, "none").build() : caller;
  }

  static Refusal refused(Guard guard, GuardRequest request) {
    Decision decision = decision(guard, request);
    assertThat(decision).isInstanceOf(Decision.Refuse.class);
    return ((Decision.Refuse) decision).refusal();
  }

  /** 200, or the status of the refusal. */
  static int status(Guard guard, GuardRequest request) {
    return decision(guard, request) instanceof Decision.Refuse refuse
        ? refuse.refusal().status()
        : 200;
  }
}
