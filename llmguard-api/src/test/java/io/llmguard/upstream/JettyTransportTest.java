package io.llmguard.upstream;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.HeaderMap;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.Recording;
import io.llmguard.upstream.UpstreamRequest.Content;
import io.llmguard.upstream.jetty.JettyTransport;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class JettyTransportTest extends UpstreamTransportContract {
  @Override
  UpstreamTransport transport(TransportSettings settings) {
    return new JettyTransport(settings);
  }

  @Test
  void anAnswerThatOvertakesItsRequestArrivesAndTheConnectionIsNotUsedAgain() throws Exception {
    anEarlyAnswerArrivesAndTheConnectionIsNotUsedAgain();
  }

  @Test
  void chunksThatCameTogetherGoOnTogether() throws Exception {
    Recording recording = Recording.of("openai-chat-stream");
    upstream.enqueue(Answer.bytes(new String(recording.response(), StandardCharsets.UTF_8)));
    Answered answered = Answered.keeping();
    UpstreamTransport.UpstreamCall unused = transport.send(get(), answered);

    assertThat(answered.awaitText()).isEqualTo(recording.responseText());
    assertThat(answered.pieces.get()).isLessThan(recording.chunks().size() / 4);
  }

  @Test
  void theEndIsHeardAfterTheLastPieceWasLetGo() throws Exception {
    Recording recording = Recording.of("pull-unreachable");
    upstream.enqueue(Answer.bytes(new String(recording.response(), StandardCharsets.UTF_8)));
    Answered answered = Answered.holding();
    UpstreamTransport.UpstreamCall unused = transport.send(get(), answered);

    Runnable consumed = answered.awaitPiece();
    assertThat(answered.over).isNotDone();
    consumed.run();
    assertThat(answered.awaitText()).isEqualTo(recording.responseText());
  }

  private UpstreamRequest get() {
    return new UpstreamRequest(
        "GET", upstream.uri(), new HeaderMap(), new Content.None(), UpstreamTimeouts.DEFAULTS);
  }
}
