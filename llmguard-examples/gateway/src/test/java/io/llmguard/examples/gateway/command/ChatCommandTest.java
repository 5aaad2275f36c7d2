package io.llmguard.examples.gateway.command;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.examples.gateway.Main;
import io.llmguard.examples.gateway.chat.PersonAtTerminal;
import io.llmguard.examples.gateway.chat.PipedTerminal;
import io.llmguard.examples.gateway.server.RunningGateway;
import io.llmguard.examples.gateway.tls.TestAuthority;
import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Gate;
import io.llmguard.testkit.ReceivedRequest;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

@Timeout(120)
class ChatCommandTest {
  private static final String QUESTION = "Tell me a fact\n";

  @TempDir private Path folder = Path.of("");

  private String out = "";
  private String err = "";

  /** The program in a process of its own, as from a shell. */
  private int program(Map<String, String> environment, String input, String... arguments)
      throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Dfile.encoding=UTF-8",
                "-cp",
                System.getProperty("java.class.path"),
                Main.class.getName(),
                "chat"));
    command.addAll(List.of(arguments));
    Path errors = folder.resolve("errors.txt");
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(errors.toFile());
    builder.environment().remove("LLMGUARD_API_KEY");
    builder.environment().putAll(environment);
    Process process = builder.start();
    try (var typed = process.outputWriter(StandardCharsets.UTF_8)) {
      typed.write(input);
    }
    out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    err = Files.readString(errors);
    return process.exitValue();
  }

  /** The command in this process, reading from a pipe. */
  private int piped(String input, String... arguments) throws Exception {
    StringWriter shown = new StringWriter();
    StringWriter told = new StringWriter();
    ChatCommand command = new ChatCommand();
    CommandLine line = new CommandLine(command);
    line.parseArgs(arguments);
    try (PipedTerminal terminal =
        new PipedTerminal(new StringReader(input), new PrintWriter(shown), new PrintWriter(told))) {
      return command.chat(line, terminal);
    } catch (Main.UserError e) {
      told.write(String.valueOf(e.getMessage()));
      return Main.UNUSABLE;
    } finally {
      out = shown.toString();
      err = told.toString();
    }
  }

  private CompletableFuture<Integer> typed(PersonAtTerminal person, String... arguments) {
    ChatCommand command = new ChatCommand();
    CommandLine line = new CommandLine(command);
    line.parseArgs(arguments);
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return command.chat(line, person.terminal());
          } catch (java.io.IOException e) {
            throw new AssertionError(e);
          }
        });
  }

  private static String recordedAnswer(RunningGateway gateway) {
    try (OllamaClient upstream = OllamaClient.create(gateway.upstreamUrl());
        var stream = upstream.chatStream(ChatRequest.of("gemma3:270m", "Tell me a fact"))) {
      return stream.result().text();
    }
  }

  @Test
  void linesFromAPipeAreAnsweredThroughARunningGatewayWithTheKeyOfTheEnvironment()
      throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      int code =
          program(
              Map.of("LLMGUARD_API_KEY", gateway.firstKey()),
              QUESTION + "And another\n/bye\nnever asked\n",
              "--url",
              gateway.url());
      assertThat(err).isEmpty();
      assertThat(code).isZero();
      assertThat(out).isEqualTo((recordedAnswer(gateway) + "\n").repeat(2));
    }
  }

  @Test
  void aWrongKeyIsNotShownAndTheMessageSaysWhereARightOneGoes() throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      int code =
          program(
              Map.of("LLMGUARD_API_KEY", "sk-planted-wrong-key"), QUESTION, "--url", gateway.url());
      assertThat(code).isEqualTo(Main.UNUSABLE);
      assertThat(out).isEmpty();
      assertThat(err)
          .contains("$LLMGUARD_API_KEY", "--key-file", "key create")
          .doesNotContain("planted")
          .doesNotContain("\tat ");
    }
  }

  @Test
  void theKeyComesFromAFileAndTheLimitSaysHowLongToWait() throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder)) {
      // listing the models was the first of the six calls at once
      int code =
          piped(
              QUESTION.repeat(6),
              "--url",
              gateway.url(),
              "--key-file",
              gateway.data().resolve("first-key.txt").toString());
      assertThat(code).isEqualTo(Main.FOUND);
      assertThat(out).isEqualTo((recordedAnswer(gateway) + "\n").repeat(5));
      assertThat(err).containsPattern("429.*Ask again in [1-6] s");
    }
  }

  @Test
  void anEmptyOrMissingKeyFileIsNamed() throws Exception {
    Path empty = Files.createFile(folder.resolve("empty"));
    assertThat(piped(QUESTION, "--key-file", empty.toString())).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains(empty.toString(), "empty");
    assertThat(piped(QUESTION, "--key-file", empty + "x")).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains(empty + "x", "no such file");
  }

  @Test
  void aServerThatIsNotThereIsSaidToBeTheGateway() throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    assertThat(piped(QUESTION, "--url", "http://127.0.0.1:" + port)).isEqualTo(Main.UNUSABLE);
    assertThat(err).contains("gateway running (serve)", "127.0.0.1:" + port);
  }

  @Test
  void anUnknownModelEndsAPipedChatAndSaysWhatThereIs() throws Exception {
    try (ReplayUpstream upstream = ReplayUpstream.start()) {
      upstream.on("POST", "/api/chat", Answer.replay(Recording.of("error-model-missing")));
      int code =
          piped(QUESTION.repeat(2), "--url", upstream.uri().toString(), "--model", "missing");
      assertThat(code).isEqualTo(Main.FOUND);
      assertThat(err).containsOnlyOnce("/models lists");
    }
  }

  @Test
  void httpsTrustsTheNamedAuthority() throws Exception {
    TestAuthority authority = new TestAuthority(folder);
    authority.issue("server", "CN=localhost");
    String tls =
        "tls: {certificate: "
            + authority.certificatePem("server")
            + ", key: "
            + authority.keyPem("server")
            + "}\n";
    try (RunningGateway gateway = RunningGateway.start(folder, RunningGateway.settings(tls))) {
      String key = gateway.data().resolve("first-key.txt").toString();
      String[] trusting = {
        "--url", gateway.url(), "--key-file", key, "--ca", authority.authorityPem().toString()
      };
      assertThat(piped(QUESTION, trusting)).as(err).isZero();
      assertThat(out).isEqualTo(recordedAnswer(gateway) + "\n");
      assertThat(piped(QUESTION, "--url", gateway.url(), "--key-file", key))
          .isEqualTo(Main.UNUSABLE);
      assertThat(piped(QUESTION, "--url", gateway.url(), "--key-file", key, "--ca", key))
          .isEqualTo(Main.UNUSABLE);
      assertThat(err).contains("--ca " + key);
    }
  }

  @Test
  void whatATerminalWouldObeyIsNotPrinted() throws Exception {
    try (ReplayUpstream upstream = ReplayUpstream.start()) {
      String evil = "a\\u001b]52;c;ZXZpbA==\\u0007b\\u009b2Jc\\td\\ne\\r";
      upstream.on(
          "POST",
          "/api/chat",
          Answer.stream("application/x-ndjson")
              .chunk("{\"message\":{\"content\":\"" + evil + "\"},\"done\":true}\n")
              .endChunks());
      assertThat(piped(QUESTION, "--url", upstream.uri().toString())).isZero();
      assertThat(out).isEqualTo("a]52;c;ZXZpbA==b2Jc\td\ne\n");
    }
  }

  @Test
  void ctrlCCancelsTheRunningAnswerAtTheServerAndTheChatGoesOnWithoutIt() throws Exception {
    Gate gate = Gate.closed();
    try (ReplayUpstream upstream = ReplayUpstream.start();
        PersonAtTerminal person = new PersonAtTerminal()) {
      upstream.on("POST", "/api/chat", Answer.replay(Recording.of("chat-stream")));
      CompletableFuture<Integer> chat = typed(person, "--url", upstream.uri().toString());
      upstream.takeRequest();
      person.sees("/help");
      upstream.enqueue(
          Answer.stream("application/x-ndjson")
              .chunk("{\"message\":{\"content\":\"the very first\"},\"done\":false}\n")
              .then(gate)
              .chunk("{\"message\":{\"content\":\"too late\"},\"done\":true}\n"));
      person.type("a slow one\n");
      ReceivedRequest slow = upstream.takeRequest();
      person.sees("the very first");
      person.type("\003");
      slow.cancelled().get(20, TimeUnit.SECONDS);
      person.sees("(cancelled)");
      person.type("hello again\n");
      assertThat(upstream.takeRequest().bodyText())
          .contains("hello again")
          .doesNotContain("a slow one");
      person.type("/bye\n");
      assertThat(chat.get(20, TimeUnit.SECONDS)).isZero();
      assertThat(person.seen()).doesNotContain("too late");
    }
  }

  @Test
  void whereTheServerWantsAKeyAPersonIsAskedAndNothingTypedIsShown() throws Exception {
    try (RunningGateway gateway = RunningGateway.start(folder);
        PersonAtTerminal person = new PersonAtTerminal()) {
      CompletableFuture<Integer> chat = typed(person, "--url", gateway.url());
      person.sees("key: ");
      person.type(gateway.firstKey() + "\n");
      person.sees("/help");
      person.type("/models\n");
      person.sees("gemma3:270m\r\n");
      person.type(QUESTION);
      person.sees(recordedAnswer(gateway).lines().findFirst().orElseThrow());
      person.type("/bye\n");
      assertThat(chat.get(20, TimeUnit.SECONDS)).isZero();
      assertThat(person.seen()).doesNotContain(gateway.firstKey().substring(4));
    }
  }

  @Test
  void theConversationIsRememberedUntilItIsCleared() throws Exception {
    try (ReplayUpstream upstream = ReplayUpstream.start()) {
      upstream.on("POST", "/api/chat", Answer.replay(Recording.of("chat-stream")));
      String url = upstream.uri().toString();
      piped("first\nsecond\n/clear\nthird\n", "--url", url, "--system", "be brief");
      List<String> asked =
          upstream.requests().stream()
              .filter(request -> request.method().equals("POST"))
              .map(ReceivedRequest::bodyText)
              .toList();
      assertThat(asked).hasSize(3).allSatisfy(body -> assertThat(body).contains("be brief"));
      assertThat(asked.get(1)).contains("first", "\"assistant\"", "second");
      assertThat(asked.get(2)).contains("third").doesNotContain("first", "assistant");
    }
  }
}
