package io.llmguard.reactive.boot;

import java.util.Arrays;
import java.util.List;
import java.util.stream.StreamSupport;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.bind.PropertySourcesPlaceholdersResolver;
import org.springframework.boot.context.properties.bind.handler.NoUnboundElementsBindHandler;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertySource;
import org.springframework.boot.context.properties.source.ConfigurationPropertySources;
import org.springframework.boot.context.properties.source.UnboundElementsSourceFilter;
import org.springframework.core.env.Environment;

/** Binds settings records, and refuses a property that none of them has. */
final class SettingsBinder {
  static final String PREFIX = "llmguard";

  private SettingsBinder() {}

  /**
   * Binds a record.
   *
   * @param prefix what its properties begin with
   * @param apart names below the prefix that belong to somebody else
   */
  static <T> T bind(Environment environment, String prefix, Class<T> type, String... apart) {
    List<ConfigurationPropertyName> others =
        Arrays.stream(apart)
            .map(name -> ConfigurationPropertyName.of(prefix + "." + name))
            .toList();
    List<ConfigurationPropertySource> sources =
        StreamSupport.stream(ConfigurationPropertySources.get(environment).spliterator(), false)
            .map(source -> source.filter(name -> others.stream().noneMatch(at(name))))
            .toList();
    Binder binder = new Binder(sources, new PropertySourcesPlaceholdersResolver(environment));
    UnboundElementsSourceFilter filter = new UnboundElementsSourceFilter();
    return binder.bindOrCreate(
        prefix,
        Bindable.of(type),
        new NoUnboundElementsBindHandler(
            org.springframework.boot.context.properties.bind.BindHandler.DEFAULT, filter));
  }

  private static java.util.function.Predicate<ConfigurationPropertyName> at(
      ConfigurationPropertyName name) {
    return other -> other.equals(name) || other.isAncestorOf(name);
  }
}
