package io.llmguard.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.boot.SpringApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** Every bean gives way to the application's own. */
@Tag("boot")
public abstract class BeansContract {
  private final Class<?> adapter;

  /** A contract of this adapter's auto-configuration. */
  protected BeansContract(Class<?> adapter) {
    this.adapter = adapter;
  }

  /** Ends the start of an application: what it would be made of is known by then. */
  private static final class Known extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  /** Which beans an application would have, none of which is made. */
  private static Map<String, BeanDefinition> definitions(String name, Class<?> own) {
    Map<String, BeanDefinition> found = new LinkedHashMap<>();
    BootApplication.Builder application =
        BootApplication.with(
                "llmguard.enabled=true",
                "llmguard.proxy.url=http://127.0.0.1:1",
                "management.endpoints.web.exposure.include=*")
            .initializer(
                context -> {
                  if (own != null) {
                    context.registerBeanDefinition(name, new RootBeanDefinition(own));
                  }
                  context.addBeanFactoryPostProcessor(factory -> collect(factory, found));
                });
    Logger log = (Logger) LoggerFactory.getLogger(SpringApplication.class);
    log.setLevel(Level.OFF); // that it does not start is the point
    Throwable end = catchThrowable(application::start);
    log.setLevel(null);
    assertThat(end).hasRootCauseInstanceOf(Known.class);
    return found;
  }

  private static void collect(
      ConfigurableListableBeanFactory factory, Map<String, BeanDefinition> into) {
    for (String name : factory.getBeanDefinitionNames()) {
      into.put(name, factory.getBeanDefinition(name));
    }
    throw new IllegalStateException(new Known());
  }

  private static List<Method> beans(Class<?> configuration) {
    List<Method> beans = new ArrayList<>();
    try {
      for (Method method : configuration.getDeclaredMethods()) {
        if (method.isAnnotationPresent(Bean.class)) {
          beans.add(method);
        }
      }
    } catch (NoClassDefFoundError e) {
      return List.of(); // the other Boot's
    }
    Import imported = configuration.getAnnotation(Import.class);
    Stream.concat(
            imported == null ? Stream.empty() : Arrays.stream(imported.value()),
            Arrays.stream(configuration.getDeclaredClasses())
                .filter(nested -> nested.isAnnotationPresent(Configuration.class)))
        .forEach(more -> beans.addAll(beans(more)));
    return beans;
  }

  private List<Method> beans() {
    List<Method> beans = new ArrayList<>(beans(LlmGuardAutoConfiguration.class));
    beans.addAll(beans(LlmGuardActuatorAutoConfiguration.class));
    beans.addAll(beans(adapter));
    return beans;
  }

  @Test
  void allOfThemAreThereInAnApplicationWithoutItsOwn() {
    assertThat(definitions("", null))
        .containsKeys(beans().stream().map(Method::getName).toArray(String[]::new));
  }

  @TestFactory
  Stream<DynamicTest> eachGivesWay() {
    return beans().stream()
        .map(bean -> DynamicTest.dynamicTest(bean.getName(), () -> assertReplaceable(bean)));
  }

  private static void assertReplaceable(Method bean) throws IOException {
    Class<?> type = bean.getReturnType();
    String documentation = Files.readString(Path.of("../docs/spring-boot.md"));
    boolean ours = type.getPackageName().startsWith("io.llmguard");
    if (ours && Modifier.isPublic(type.getModifiers())) {
      // what the documentation calls a type may be an interface that the bean has
      assertThat(Stream.concat(Stream.of(type), Arrays.stream(type.getInterfaces())))
          .anyMatch(known -> documentation.contains("`" + known.getSimpleName() + "`"));
      assertThat(definitions("own", type)).containsKey("own").doesNotContainKey(bean.getName());
    } else {
      // a type that the application cannot name, or that is everybody's
      assertThat(documentation).contains("`" + bean.getName() + "`");
      BeanDefinition own = definitions(bean.getName(), Object.class).get(bean.getName());
      assertThat(own.getFactoryMethodName()).isNull();
    }
  }
}
