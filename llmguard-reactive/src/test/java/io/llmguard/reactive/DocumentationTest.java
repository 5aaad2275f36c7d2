package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.TimeSource;
import io.llmguard.key.KeyDirectory;
import io.llmguard.key.KeyIssuer;
import io.llmguard.key.MemoryKeyStore;
import io.llmguard.limit.InMemoryRateLimitStore;
import io.llmguard.limit.RateLimitStore;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import io.llmguard.upstream.JdkTransport;
import io.llmguard.upstream.TransportSettings;
import io.llmguard.upstream.Upstream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.web.server.adapter.WebHttpHandlerBuilder;

/** What the documentation shows is what runs here. */
@Tag("server")
class DocumentationTest {
  private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void theCodeOfTheDocumentationStandsInTheApplicationOfThisTest() throws Exception {
    String page = Files.readString(Path.of("../docs/reactive.md"));
    String source =
        Files.readString(Path.of("src/test/java/io/llmguard/reactive/DocumentedApplication.java"));
    Matcher code = CODE.matcher(page);
    int found = 0;
    while (code.find()) {
      assertThat(withoutSpace(source)).contains(withoutSpace(code.group(1)));
      found++;
    }
    assertThat(found).isEqualTo(2);
  }

  /** Lines may be broken elsewhere where code stands further in. */
  private static String withoutSpace(String code) {
    return code.replaceAll("\\s+", "");
  }

  @Test
  void theApplicationOfTheDocumentationIsAGuardedGateway() throws Exception {
    MemoryKeyStore store = new MemoryKeyStore();
    String key = new KeyIssuer(store, TimeSource.system()).issue("ada", r -> r).key().reveal();
    Recording chat = Recording.of("chat-stream");
    try (ReplayUpstream upstream = ReplayUpstream.start();
        JdkTransport transport = new JdkTransport(TransportSettings.builder().build());
        AnnotationConfigApplicationContext context = new AnnotationConfigApplicationContext()) {
      context.registerBean(KeyDirectory.class, () -> KeyDirectory.builder(store).open());
      context.registerBean(
          RateLimitStore.class, () -> new InMemoryRateLimitStore(TimeSource.system()));
      context.registerBean(
          Upstream.class, () -> Upstream.builder("local", upstream.uri(), transport).build());
      context.register(DocumentedApplication.class);
      context.refresh();
      try (NettyServer server =
              NettyServer.start(WebHttpHandlerBuilder.applicationContext(context).build());
          RawHttp client = RawHttp.connect(server.port())) {
        client.post(chat.path(), chat.bodyText());
        assertThat(client.readHead().status()).isEqualTo(401);
        client.readBody();
        client.post(chat.path(), chat.bodyText(), "X-Api-Key: " + key);
        assertThat(client.readHead().status()).isEqualTo(200);
        assertThat(client.readBody()).isEqualTo(chat.responseBody());
      }
    }
  }
}
