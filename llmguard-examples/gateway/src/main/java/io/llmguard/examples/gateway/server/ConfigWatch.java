package io.llmguard.examples.gateway.server;

import io.llmguard.assembly.SettingException;
import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.config.ConfigException;
import io.llmguard.examples.gateway.config.GatewayConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at a configuration file and has it taken when it has changed.
 *
 * <p>A change is taken once two looks have found the file the same, so that one which is still
 * being written is left alone. A file that cannot be used is reported with its line and setting,
 * and changes nothing. Thread-safe.
 */
public final class ConfigWatch implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ConfigWatch.class);
  private static final Duration LOOK_EVERY = Duration.ofMillis(500);

  private final Path file;
  private final ScheduledExecutorService clock;
  private @Nullable Stamp taken;
  private @Nullable Stamp seen;

  /** What tells one state of a file from another. */
  private record Stamp(FileTime modified, long size, @Nullable Object key) {
    static @Nullable Stamp of(Path file) {
      try {
        BasicFileAttributes attributes =
            Files.readAttributes(file, BasicFileAttributes.class); // of what a link points to
        return new Stamp(attributes.lastModifiedTime(), attributes.size(), attributes.fileKey());
      } catch (IOException e) {
        return null; // it is just being replaced
      }
    }
  }

  /** A watch that knows the file as it is now: to be made before the file is read. */
  public ConfigWatch(Path file) {
    this.file = file;
    taken = Stamp.of(file);
    clock =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "llmguard-config");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Looks twice a second from now on.
   *
   * @param read reads the file; may throw what says why it cannot be used
   * @param take takes what was read; may throw the same
   */
  public void start(Supplier<GatewayConfig> read, Consumer<GatewayConfig> take) {
    long millis = LOOK_EVERY.toMillis();
    var unused =
        clock.scheduleWithFixedDelay(() -> look(read, take), millis, millis, TimeUnit.MILLISECONDS);
  }

  /** Looks once. */
  synchronized void look(Supplier<GatewayConfig> read, Consumer<GatewayConfig> take) {
    Stamp now = Stamp.of(file);
    Stamp before = seen;
    seen = now;
    if (now == null || !now.equals(before) || now.equals(taken)) {
      return;
    }
    taken = now;
    try {
      take.accept(read.get());
    } catch (ConfigException | Main.UserError e) {
      log.error("the settings that run stay: {}", e.getMessage());
    } catch (SettingException e) {
      log.error("the settings that run stay: {}: {}", file, Main.describe(e));
    } catch (RuntimeException e) {
      log.error("the settings that run stay: {} failed with {}", file, e.getClass().getName());
      log.debug("taking {} failed", file, e);
    }
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
