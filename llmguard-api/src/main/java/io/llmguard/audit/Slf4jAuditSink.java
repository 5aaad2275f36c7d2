package io.llmguard.audit;

import io.llmguard.audit.internal.AuditLineWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes audit events to an SLF4J logger at level INFO, each as one line of JSON without {@code
 * prev} and {@code hash}: a log has no head to check a chain against.
 */
public final class Slf4jAuditSink implements AuditSink {
  /** The name of the logger unless another is given. */
  public static final String LOGGER = "io.llmguard.audit.trail";

  private final Logger logger;
  private final AuditLineWriter writer = new AuditLineWriter();

  /** A sink that writes to {@link #LOGGER}. */
  public Slf4jAuditSink() {
    this(LoggerFactory.getLogger(LOGGER));
  }

  /** A sink that writes to this logger. */
  public Slf4jAuditSink(Logger logger) {
    this.logger = logger;
  }

  @Override
  public void write(List<AuditEvent> events) throws IOException {
    if (!logger.isInfoEnabled()) {
      return;
    }
    for (AuditEvent event : events) {
      writer.reset();
      writer.append(event, null);
      byte[] line = new byte[writer.lines().size() - 1];
      writer.lines().toBuffer().get(line);
      logger.info("{}", new String(line, StandardCharsets.US_ASCII));
    }
  }

  @Override
  public void writeUnaudited(long calls) {
    logger.warn("{} calls were refused because the audit trail had no room", calls);
  }
}
