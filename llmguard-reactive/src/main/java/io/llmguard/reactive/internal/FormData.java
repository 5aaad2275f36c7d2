package io.llmguard.reactive.internal;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.context.ApplicationContext;
import org.springframework.core.ResolvableType;
import org.springframework.http.MediaType;
import org.springframework.http.codec.HttpMessageReader;
import org.springframework.http.codec.ServerCodecConfigurer;
import org.springframework.http.codec.multipart.DefaultPartHttpMessageReader;
import org.springframework.http.codec.multipart.MultipartHttpMessageReader;
import org.springframework.http.codec.multipart.Part;
import org.springframework.http.server.reactive.ServerHttpRequest;
import org.springframework.util.MultiValueMap;
import org.springframework.web.server.ServerWebExchange;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

/**
 * The parts of a form that a guard has read: the server's own exchange would look for them in the
 * body as it came, of which nothing is left. They are read once, when somebody subscribes.
 */
final class FormData {
  private static final ResolvableType PARTS =
      ResolvableType.forClassWithGenerics(MultiValueMap.class, String.class, Part.class);

  private final Mono<MultiValueMap<String, Part>> parts;

  FormData(ServerWebExchange exchange, ServerHttpRequest request) {
    parts = reader(exchange.getApplicationContext()).readMono(PARTS, request, Map.of()).cache();
  }

  /** As the application has configured it. */
  @SuppressWarnings("unchecked") // it says itself that it reads this type
  private static HttpMessageReader<MultiValueMap<String, Part>> reader(
      @Nullable ApplicationContext context) {
    String configurer = WebHttpHandlerBuilder.SERVER_CODEC_CONFIGURER_BEAN_NAME;
    if (context != null && context.containsBean(configurer)) {
      for (HttpMessageReader<?> reader :
          context.getBean(configurer, ServerCodecConfigurer.class).getReaders()) {
        if (reader.canRead(PARTS, MediaType.MULTIPART_FORM_DATA)) {
          return (HttpMessageReader<MultiValueMap<String, Part>>) reader;
        }
      }
    }
    return new MultipartHttpMessageReader(new DefaultPartHttpMessageReader());
  }

  Mono<MultiValueMap<String, Part>> parts() {
    return parts;
  }

  /** Deletes the files in which parts were kept. */
  void delete() {
    parts
        .flatMapIterable(MultiValueMap::values)
        .flatMapIterable(each -> each)
        .flatMap(part -> part.delete().onErrorResume(e -> Mono.empty()))
        .onErrorResume(e -> Flux.empty())
        .subscribe();
  }
}
