package io.llmguard.boot;

import io.llmguard.assembly.ApplicationSettings;
import io.llmguard.assembly.GuardSettings;
import java.math.BigDecimal;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.bind.BindHandler;
import org.springframework.boot.context.properties.bind.BindResult;
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

  private static final String WEB = PREFIX + ".web";
  private static final String PROXY = PREFIX + ".proxy";
  private static final String BUDGETS = PREFIX + ".budgets";
  private static final String DEFAULT_PRICE = PREFIX + ".default-price";
  private static final String SPEND = PREFIX + ".spend";

  private SettingsBinder() {}

  static GuardSettings guard(Environment environment) {
    return bind(
            environment,
            PREFIX,
            Bindable.of(GuardSettings.class),
            PREFIX + ".enabled",
            WEB,
            PROXY,
            BUDGETS,
            DEFAULT_PRICE,
            SPEND)
        .orElse(GuardSettings.DEFAULTS);
  }

  static ApplicationSettings application(Environment environment) {
    return new ApplicationSettings(
        bind(environment, WEB, Bindable.of(ApplicationSettings.Web.class))
            .orElse(ApplicationSettings.Web.DEFAULTS),
        bind(environment, PROXY, Bindable.of(ApplicationSettings.Proxy.class))
            .orElse(ApplicationSettings.Proxy.NONE));
  }

  static SpendSettings spend(Environment environment) {
    @Nullable BigDecimal price =
        bind(environment, DEFAULT_PRICE, Bindable.of(BigDecimal.class)).orElse(null);
    return new SpendSettings(
        bind(environment, BUDGETS, Bindable.listOf(SpendSettings.Item.class)).orElse(List.of()),
        price,
        bind(environment, SPEND, Bindable.of(SpendSettings.Spend.class))
            .orElse(SpendSettings.Spend.DEFAULTS));
  }

  /**
   * Binds what stands under a prefix.
   *
   * @param apart what stands there too, and belongs to somebody else
   */
  private static <T> BindResult<T> bind(
      Environment environment, String prefix, Bindable<T> type, String... apart) {
    List<ConfigurationPropertyName> others =
        Arrays.stream(apart).map(ConfigurationPropertyName::of).toList();
    Stream<ConfigurationPropertySource> sources =
        StreamSupport.stream(ConfigurationPropertySources.get(environment).spliterator(), false)
            .map(source -> source.filter(name -> others.stream().noneMatch(at(name))));
    Binder binder =
        new Binder(sources.toList(), new PropertySourcesPlaceholdersResolver(environment));
    return binder.bind(
        prefix,
        type,
        new NoUnboundElementsBindHandler(BindHandler.DEFAULT, new UnboundElementsSourceFilter()));
  }

  private static Predicate<ConfigurationPropertyName> at(ConfigurationPropertyName name) {
    return other -> other.equals(name) || other.isAncestorOf(name);
  }
}
