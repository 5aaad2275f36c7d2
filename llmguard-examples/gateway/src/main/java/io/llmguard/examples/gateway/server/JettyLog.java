package io.llmguard.examples.gateway.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.LoggerContextListener;
import org.slf4j.LoggerFactory;

/**
 * Keeps Jetty's log at INFO or above, whatever is configured: below that it writes the heads and
 * bodies that pass through it, and with them keys and prompts.
 */
public final class JettyLog implements LoggerContextListener {
  private static final String JETTY = "org.eclipse.jetty";

  private final LoggerContext context;

  private JettyLog(LoggerContext context) {
    this.context = context;
  }

  /** Holds for the configuration that is there and for any that replaces it. */
  public static void keepQuiet() {
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      JettyLog kept = new JettyLog(context);
      context.addListener(kept);
      context.getLoggerList().forEach(kept::raise);
      kept.raise(context.getLogger(JETTY));
    }
  }

  private void raise(Logger logger) {
    String name = logger.getName();
    boolean own = name.equals(JETTY) || name.startsWith(JETTY + ".");
    if (own && logger.getEffectiveLevel().toInt() < Level.INFO_INT) {
      logger.setLevel(Level.INFO);
    }
  }

  @Override
  public void onLevelChange(Logger logger, Level level) {
    raise(logger);
    raise(context.getLogger(JETTY)); // it may have followed one above it
  }

  @Override
  public boolean isResetResistant() {
    return true;
  }

  @Override
  public void onStart(LoggerContext started) {
    // nothing is configured yet
  }

  @Override
  public void onReset(LoggerContext reset) {
    // each level that is configured anew is told
  }

  @Override
  public void onStop(LoggerContext stopped) {
    // nothing is logged any more
  }
}
