package io.llmguard.examples.gateway.config;

import java.nio.file.Path;

/** Where the audit trail is: the gateway writes there, and the commands look there. */
public final class AuditPaths {
  private AuditPaths() {}

  /** The file that lines are appended to. */
  public static Path file(GatewayConfig config) {
    Path set = config.audit().file();
    return set == null ? config.dataDir().resolve("audit.jsonl") : set;
  }

  /**
   * The trail's head, in the data directory, so that who may write the trail alone cannot cut its
   * end unseen.
   */
  public static Path head(GatewayConfig config) {
    return config.dataDir().resolve(file(config).getFileName() + ".head");
  }
}
