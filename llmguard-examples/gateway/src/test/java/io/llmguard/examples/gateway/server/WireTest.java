package io.llmguard.examples.gateway.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertAll;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.RawHttp;
import io.llmguard.testkit.RecordedCounts;
import io.llmguard.testkit.Recording;
import io.llmguard.testkit.ReplayUpstream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;

/** Every recorded exchange through the gateway as it is shipped, to the byte and to the token. */
@Timeout(120)
class WireTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String MASTER = "sk-0123456789abcdef0123456789abcdef";

  /** The gateway answers these itself, with the models that the caller may name. */
  private static final Set<String> OWN_LISTS = Set.of("/api/tags", "/v1/models");

  @TempDir private Path folder = Path.of("");

  WireTest() {}

  /** What came of a recording: whether the upstream was asked, and what the client was given. */
  private record Exchanged(Recording recording, boolean forwarded, int status, String body) {}

  @Test
  void theClientReceivesWhatTheUpstreamSentAndTheTrailHasItsTokens() throws Exception {
    List<Exchanged> exchanges = new ArrayList<>();
    List<JsonNode> lines = new ArrayList<>();
    List<RawHttp> clients = new ArrayList<>();
    ReplayUpstream upstream = ReplayUpstream.start();
    try (RunningGateway gateway = RunningGateway.start(folder, settings(), upstream)) {
      for (Recording recording : Recording.all()) {
        RawHttp client = RawHttp.connect(URI.create(gateway.url()).getPort());
        clients.add(client);
        exchanges.add(exchange(client, upstream, recording));
      }
      gateway.stop();
      for (String line : gateway.auditLines()) {
        if (line.contains("\"status\"")) {
          lines.add(JSON.readTree(line));
        }
      }
    } finally {
      // not before: a client that leaves while its call is being noted counts as gone
      for (RawHttp client : clients) {
        client.close();
      }
    }
    assertThat(lines).hasSameSizeAs(exchanges);
    List<Exchanged> admitted = exchanges.stream().filter(Exchanged::forwarded).toList();
    assertThat(admitted).hasSizeGreaterThan(exchanges.size() / 2);
    assertAll(
        IntStream.range(0, exchanges.size())
            .mapToObj(i -> (Executable) () -> assertTransparent(exchanges.get(i), lines.get(i))));
  }

  private static String settings() {
    String wide = "{requests: 9999, per: 1s, burst: 9999}";
    return "general_settings: {master_key: "
        + MASTER
        + "}\n"
        + RunningGateway.settings("rate_limits: {per_key: " + wide + ", per_ip: " + wide + "}\n");
  }

  private static Exchanged exchange(RawHttp client, ReplayUpstream upstream, Recording recording)
      throws Exception {
    upstream.on(recording.method(), recording.path(), Answer.replay(recording));
    int before = upstream.requests().size();
    byte[] body = recording.body();
    client.request(
        recording.method(),
        recording.path(),
        body.length == 0 ? null : body,
        "Content-Type: application/json",
        "X-Api-Key: " + MASTER);
    RawHttp.Head head = client.readHead();
    byte[] received = client.readBody();
    boolean forwarded = upstream.requests().size() > before;
    return new Exchanged(recording, forwarded, head.status(), bytes(received));
  }

  /** One char a byte. */
  private static String bytes(byte[] of) {
    return new String(of, StandardCharsets.ISO_8859_1);
  }

  private static void assertTransparent(Exchanged exchanged, JsonNode line) {
    Recording recording = exchanged.recording();
    String name = recording.name();
    if (!exchanged.forwarded() || OWN_LISTS.contains(recording.path())) {
      assertThat(line.get("outcome").asText()).as(name).matches("refused:.*|completed");
      return;
    }
    assertThat(exchanged.status()).as(name).isEqualTo(recording.status());
    assertThat(exchanged.body()).as(name).isEqualTo(bytes(recording.responseBody()));
    RecordedCounts counts = RecordedCounts.of(recording);
    if (counts != null) {
      assertThat(line.get("inputTokens").asLong()).as(name).isEqualTo(counts.input());
      assertThat(line.get("outputTokens").asLong()).as(name).isEqualTo(counts.output());
    }
  }
}
