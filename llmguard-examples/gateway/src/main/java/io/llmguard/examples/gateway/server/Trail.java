package io.llmguard.examples.gateway.server;

import io.llmguard.Stage;
import io.llmguard.audit.AuditQueue;
import io.llmguard.audit.AuditStage;
import io.llmguard.audit.Durability;
import io.llmguard.audit.JsonLinesAuditSink;
import io.llmguard.audit.RecordedContent;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.AuditPaths;
import io.llmguard.examples.gateway.config.GatewayConfig;
import io.llmguard.examples.gateway.config.GatewayConfig.Audit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The gateway's audit trail: its file, and the stage that writes every call into it. */
final class Trail implements AutoCloseable {
  /** Bytes of a prompt, and of an answer, that are kept where content is. */
  private static final int LARGEST_CONTENT = 1 << 20;

  private final Path file;
  private final AuditStage stage;

  private Trail(Path file, AuditStage stage) {
    this.file = file;
    this.stage = stage;
  }

  static Trail open(GatewayConfig config) {
    Audit audit = config.audit();
    Path file = AuditPaths.file(config);
    try {
      Path folder = file.toAbsolutePath().getParent();
      if (folder != null) {
        Files.createDirectories(folder);
      }
      JsonLinesAuditSink.Builder sink =
          JsonLinesAuditSink.builder(file)
              .head(AuditPaths.head(config))
              .durability(audit.fsync() ? Durability.FSYNC : Durability.FLUSH);
      if (audit.rotateBytes() != null) {
        sink.maxBytes(audit.rotateBytes());
      }
      AuditQueue queue =
          AuditQueue.to(sink.open())
              .overflow(
                  audit.refuseOnOverflow() ? AuditQueue.Overflow.REFUSE : AuditQueue.Overflow.BLOCK)
              .build();
      return new Trail(
          file,
          new AuditStage(queue, audit.content() ? new RecordedContent(LARGEST_CONTENT) : null));
    } catch (IOException e) {
      throw new Main.UserError(
          "the audit file " + file.toAbsolutePath() + " cannot be written: " + e.getMessage(), e);
    }
  }

  Path file() {
    return file;
  }

  Stage stage() {
    return stage;
  }

  AuditQueue queue() {
    return stage.queue();
  }

  boolean available() {
    return stage.queue().state().failingSince() == null;
  }

  @Override
  public void close() {
    stage.close();
  }
}
