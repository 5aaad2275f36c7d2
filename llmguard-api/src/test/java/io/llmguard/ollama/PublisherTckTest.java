package io.llmguard.ollama;

import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReplayUpstream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Flow;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.reactivestreams.tck.TestEnvironment;
import org.reactivestreams.tck.flow.FlowPublisherVerification;

/** The client's publishers by the rules of Reactive Streams, in the words of its own test kit. */
class PublisherTckTest {
  /** How long a signal may take, on a machine under load. */
  private static final long SIGNAL_MILLIS = 5_000;

  /** How long no signal is waited for where none may come. */
  private static final long SILENCE_MILLIS = 100;

  private static final String PIECE =
      "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"x\"},\"done\":false}\n";
  private static final String LAST =
      "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true}\n";

  /** The kit's methods are TestNG's tests: each is run here on an object of its own. */
  @TestFactory
  Stream<DynamicTest> rules() {
    return Stream.of(Verification.class.getMethods())
        .filter(method -> method.isAnnotationPresent(org.testng.annotations.Test.class))
        // those say only that they test nothing
        .filter(method -> !method.getName().startsWith("untested_"))
        // a chat has an event at least
        .filter(method -> !method.getName().contains("emptyStream"))
        .sorted(Comparator.comparing(Method::getName))
        .map(method -> DynamicTest.dynamicTest(method.getName(), () -> run(method)));
  }

  private static void run(Method rule) throws Throwable {
    Verification verification = new Verification();
    try {
      verification.setUp();
      rule.invoke(verification);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    } finally {
      verification.close();
    }
  }

  /** A chat of as many events as are asked for, and of one where there need be none. */
  public static final class Verification extends FlowPublisherVerification<ChatResponse> {
    private final ReplayUpstream upstream = ReplayUpstream.start(List.of());
    private final OllamaClient client = OllamaClient.create(upstream.uri().toString());

    /** With signals that may take their time. */
    public Verification() {
      super(new TestEnvironment(SIGNAL_MILLIS, SILENCE_MILLIS));
    }

    @Override
    public Flow.Publisher<ChatResponse> createFlowPublisher(long elements) {
      byte[] piece =
          (Integer.toHexString(PIECE.length()) + "\r\n" + PIECE + "\r\n")
              .getBytes(StandardCharsets.US_ASCII);
      upstream.on(
          "POST",
          "/api/chat",
          Answer.stream("application/x-ndjson")
              .repeat(piece, Math.max(1, elements) - 1)
              .chunk(LAST)
              .endChunks());
      return client.chatPublisher(ChatRequest.of("m", "hi"));
    }

    @Override
    public Flow.Publisher<ChatResponse> createFailedFlowPublisher() {
      client.close();
      return client.chatPublisher(ChatRequest.of("m", "hi"));
    }

    void close() {
      client.close();
      upstream.close();
    }
  }
}
