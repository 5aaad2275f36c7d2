package io.llmguard.assembly;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.lang.reflect.RecordComponent;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class GuardSettingsTest {
  /** What has no default. */
  private static final Set<String> NONE = Set.of("masterKey", "clientCertificates", "hsts");

  static List<String> parts() {
    return Stream.of(GuardSettings.class.getDeclaredClasses()).map(Class::getName).toList();
  }

  private static URL url(String path) {
    try {
      return new File(path).toURI().toURL();
    } catch (MalformedURLException e) {
      throw new IllegalArgumentException(e);
    }
  }

  @ParameterizedTest
  @MethodSource("parts")
  void theDefaultsAreWholeWhicheverPartIsUsedFirst(String first) throws Exception {
    URL[] classes =
        Stream.of(System.getProperty("java.class.path").split(File.pathSeparator))
            .map(GuardSettingsTest::url)
            .toArray(URL[]::new);
    try (URLClassLoader fresh = new URLClassLoader(classes, ClassLoader.getPlatformClassLoader())) {
      Class<?> part = Class.forName(first, true, fresh);
      assertThat(part.getClassLoader()).isSameAs(fresh);
      Class<?> settings = Class.forName(GuardSettings.class.getName(), true, fresh);
      Object defaults = settings.getField("DEFAULTS").get(null);
      for (RecordComponent component : settings.getRecordComponents()) {
        if (!NONE.contains(component.getName())) {
          assertThat(component.getAccessor().invoke(defaults)).as(component.getName()).isNotNull();
        }
      }
    }
  }
}
