package io.llmguard.examples.gateway.command;

import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.chat.Advice;
import io.llmguard.examples.gateway.chat.ChatSession;
import io.llmguard.examples.gateway.chat.ChatTerminal;
import io.llmguard.examples.gateway.chat.LineEditor;
import io.llmguard.examples.gateway.chat.PipedTerminal;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.Credential;
import io.llmguard.ollama.LocalModel;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.OllamaException;
import io.llmguard.ollama.RetryPolicy;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import nl.altindag.ssl.SSLFactory;
import nl.altindag.ssl.pem.util.PemUtils;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code chat}: a chat in the terminal, through the typed client. */
@Command(
    name = "chat",
    description = {
      "Chats with a model, to try a key. /bye ends it, Ctrl-C cancels an answer.",
      "The key is read from $LLMGUARD_API_KEY or a file; else it is asked for where one is needed."
    },
    mixinStandardHelpOptions = true)
public final class ChatCommand implements Callable<Integer> {
  private static final int KEY_TRIES = 3;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--url",
      paramLabel = "URL",
      description = "the gateway (default: ${DEFAULT-VALUE})",
      defaultValue = "http://127.0.0.1:8081")
  private String url = "";

  @Option(
      names = "--model",
      paramLabel = "MODEL",
      description = "the model (default: the first that the key may use)")
  private @Nullable String model;

  @Option(names = "--key-file", paramLabel = "FILE", description = "holds the key")
  private @Nullable Path keyFile;

  @Option(names = "--system", paramLabel = "TEXT", description = "what the model is to be")
  private @Nullable String system;

  @Option(
      names = "--ca",
      paramLabel = "FILE",
      description = "certificates (PEM) that https trusts beside the platform's")
  private @Nullable Path authorities;

  ChatCommand() {}

  @Override
  public Integer call() throws IOException {
    CommandLine line = spec == null ? new CommandLine(this) : spec.commandLine();
    try (ChatTerminal terminal = terminal(line)) {
      return chat(line, terminal);
    }
  }

  int chat(CommandLine line, ChatTerminal terminal) throws IOException {
    AtomicReference<@Nullable Credential> key = new AtomicReference<>(key());
    try (OllamaClient client = client(line, key)) {
      warnOfClearText(terminal, key.get());
      List<String> models = models(client, terminal, key);
      String chosen = model == null ? first(models) : model;
      if (terminal.interactive()) {
        terminal.tell(chosen + " at " + url + "; /help says what there is beside asking");
      }
      List<Message> messages = system == null ? List.of() : List.of(Message.system(system));
      ChatRequest template = ChatRequest.builder(chosen, messages).build();
      return new ChatSession(client, terminal, template, url).run() ? 0 : Main.FOUND;
    }
  }

  private static ChatTerminal terminal(CommandLine line) throws IOException {
    return Terminals.interactive()
        ? LineEditor.open()
        : new PipedTerminal(
            new InputStreamReader(System.in, StandardCharsets.UTF_8), line.getOut(), line.getErr());
  }

  private OllamaClient client(CommandLine line, AtomicReference<@Nullable Credential> key) {
    OllamaClient.Builder builder = OllamaClient.builder();
    try {
      builder.baseUrl(url);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(line, "--url: " + e.getMessage(), e);
    }
    if (authorities != null) {
      try {
        builder.tls(
            SSLFactory.builder()
                .withDefaultTrustMaterial()
                .withTrustMaterial(PemUtils.loadTrustMaterial(authorities))
                .build()
                .getSslContext());
      } catch (RuntimeException e) {
        throw new Main.UserError("--ca " + authorities + " holds no certificates in PEM", e);
      }
    }
    // whoever waits at a terminal is told how long, and decides
    return builder.retry(RetryPolicy.NONE).credential(key::get).build();
  }

  private @Nullable Credential key() throws IOException {
    String text = System.getenv("LLMGUARD_API_KEY");
    String from = "$LLMGUARD_API_KEY";
    if (keyFile != null) {
      from = "--key-file " + keyFile;
      try {
        text = Files.readString(keyFile).strip();
      } catch (NoSuchFileException e) {
        throw new Main.UserError(from + ": there is no such file", e);
      }
      if (text.isEmpty()) {
        throw new Main.UserError(from + ": the file is empty");
      }
    }
    return text == null || text.isBlank() ? null : credential(text, from);
  }

  private static Credential credential(String text, String from) {
    try {
      return Credential.bearer(text);
    } catch (IllegalArgumentException e) {
      throw new Main.UserError(from + " holds no key: " + e.getMessage(), e);
    }
  }

  private void warnOfClearText(ChatTerminal terminal, @Nullable Credential key) {
    URI uri = URI.create(url);
    String host = String.valueOf(uri.getHost());
    boolean here = host.equals("localhost") || host.equals("[::1]") || host.startsWith("127.");
    if (key != null && "http".equalsIgnoreCase(uri.getScheme()) && !here) {
      terminal.tell("warning: the key goes to " + host + " in clear; https keeps it secret");
    }
  }

  /** The models that the key may use; asks for a key where the server wants one. */
  private List<String> models(
      OllamaClient client, ChatTerminal terminal, AtomicReference<@Nullable Credential> key) {
    for (int tries = 0; ; tries++) {
      try {
        return client.list().models().stream().map(LocalModel::name).toList();
      } catch (OllamaException.Unauthorised e) {
        String typed = tries < KEY_TRIES ? terminal.secret("key: ") : null;
        if (typed == null || typed.isBlank()) {
          throw new Main.UserError(Advice.on(e, url), e);
        }
        Credential given = credential(typed, "what was typed");
        warnOfClearText(terminal, given);
        key.set(given);
      } catch (OllamaException.Forbidden | OllamaException.BadRequest e) {
        if (model == null) {
          throw new Main.UserError(
              "the models cannot be listed (" + Advice.on(e, url) + "): name one with --model", e);
        }
        return List.of();
      } catch (OllamaException e) {
        throw new Main.UserError(Advice.on(e, url), e);
      }
    }
  }

  private static String first(List<String> models) {
    if (models.isEmpty()) {
      throw new Main.UserError(
          "there is no model that this key may use: pull one (ollama pull gemma3:270m), or give the"
              + " key models with key create --models");
    }
    return models.get(0);
  }
}
