package io.llmguard.boot;

import io.llmguard.Guard;
import io.llmguard.Stage;
import io.llmguard.assembly.ApplicationPaths;
import io.llmguard.assembly.GuardStatus;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.springframework.boot.actuate.endpoint.annotation.Endpoint;
import org.springframework.boot.actuate.endpoint.annotation.ReadOperation;

/** {@code /actuator/llmguard}: what the guard is and how its parts stand; no secret, no call. */
@Endpoint(id = "llmguard")
public final class LlmGuardEndpoint {
  private final Guard guard;
  private final ApplicationPaths paths;
  private final Supplier<GuardStatus> status;

  LlmGuardEndpoint(Guard guard, ApplicationPaths paths, Supplier<GuardStatus> status) {
    this.guard = guard;
    this.paths = paths;
    this.status = status;
  }

  /**
   * What the endpoint answers.
   *
   * @param serving true if calls can be admitted
   * @param guarded the guarded paths
   * @param proxied those that go on to an LLM server
   * @param stages the guard's stages, in their order
   * @param parts the parts by name, each with its figures
   */
  public record Answer(
      boolean serving,
      List<String> guarded,
      List<String> proxied,
      List<String> stages,
      Map<String, Map<String, Object>> parts) {}

  /** How the guard stands now. */
  @ReadOperation
  public Answer status() {
    GuardStatus now = status.get();
    return new Answer(
        now.serving(),
        patterns(paths.guardedPrefixes()),
        patterns(paths.proxiedPrefixes()),
        guard.stages().stream().map(Stage::name).toList(),
        now.details());
  }

  private static List<String> patterns(List<String> prefixes) {
    return prefixes.stream().map(prefix -> prefix + "**").toList();
  }
}
