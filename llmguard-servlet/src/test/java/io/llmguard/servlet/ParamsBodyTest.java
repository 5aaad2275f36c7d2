package io.llmguard.servlet;

import io.llmguard.Guard;
import io.llmguard.StandardGuard;
import io.llmguard.StandardGuard.Place;
import io.llmguard.jdbc.JdbcKeyStore;
import io.llmguard.jdbc.SqliteDataSource;
import io.llmguard.key.KeyStore;
import io.llmguard.testkit.BodyContract;
import io.llmguard.upstream.Proxy;
import jakarta.servlet.DispatcherType;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;

/** Bodies behind the whole guard as init-params make it, in a chain with a filter before it. */
@Tag("container")
class ParamsBodyTest extends BodyContract {
  @TempDir private Path folder = Path.of("");
  private @Nullable SqliteDataSource database;

  @Override
  protected KeyStore store() throws Exception {
    SqliteDataSource opened = SqliteDataSource.open(folder.resolve("keys.db"));
    database = opened;
    return new JdbcKeyStore(opened);
  }

  @AfterEach
  void closeDatabase() throws Exception {
    if (database != null) {
      database.close();
    }
  }

  @Override
  protected Server start(Guard guard, Proxy proxy) throws Exception {
    Guard observing = StandardGuard.builder().stage(Place.OBSERVE, observer()).build();
    return Gateway.start(
        context -> {
          new GuardFilter(observing).bodyDeadline(BODY_DEADLINE).addTo(context, "observer", "/*");
          var filter = context.addFilter("guard", LlmGuardFilter.class);
          filter.setAsyncSupported(true);
          filter.setInitParameters(
              Map.of(
                  "database",
                  folder.resolve("keys.db").toString(),
                  "per-ip",
                  "100000 per 1s burst 100000",
                  "per-key",
                  "100000 per 1s burst 100000",
                  "max-body",
                  Integer.toString(MAX_BODY),
                  "max-form",
                  Integer.toString(MAX_FORM),
                  "form-directory",
                  forms.toString(),
                  "body-deadline",
                  BODY_DEADLINE.toMillis() + "ms",
                  "async-dispatch",
                  "true"));
          filter.addMappingForUrlPatterns(
              EnumSet.of(DispatcherType.REQUEST, DispatcherType.ASYNC), true, "/*");
        },
        proxy);
  }
}
