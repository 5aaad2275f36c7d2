package io.llmguard.ollama;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.llmguard.testkit.Answer;
import io.llmguard.testkit.ReplayUpstream;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A conversation's memory: what it keeps, and what is sent of it. */
@Timeout(30)
class ConversationTest {
  private static final ToolCall CALL = new ToolCall("c", 0, "weather", Map.of("city", "Oslo"));
  private static final Message ASKS =
      new Message("assistant", "", null, List.of(), List.of(CALL), null, null, Map.of());

  private static String words(int tokens) {
    return "x".repeat(tokens * 4 - 16);
  }

  @Test
  void theMessageThatIsSaidCountsAgainstTheBudgetOfWhatIsSent() throws Exception {
    try (ReplayUpstream upstream = ReplayUpstream.start(List.of());
        OllamaClient client = OllamaClient.create(upstream.uri().toString())) {
      Conversation talk =
          new Conversation(client, ChatRequest.builder("m", List.of()).build(), 100);
      upstream.enqueue(
          Answer.plain(
              "application/json",
              "{\"message\":{\"role\":\"assistant\",\"content\":\"ok\"},\"done\":true}"));
      upstream.enqueue(Answer.status(500, "application/json", "{\"error\":\"no\"}"));
      talk.say(words(60));
      assertThat(talk.messages()).hasSize(2);
      try (var second = talk.sayStream(Message.user(words(70)))) {
        assertThat(upstream.takeRequest()).isNotNull();
        JsonNode sent = new ObjectMapper().readTree(upstream.takeRequest().bodyText());
        assertThat(sent.path("messages"))
            .extracting(m -> m.path("content").asText())
            .containsExactly("ok", words(70));
        second.cancel();
      }
      // asked, not answered: nothing of it is remembered, and nothing is forgotten for it
      assertThat(talk.messages()).hasSize(2);
    }
  }

  @Test
  void aToolsResultKeepsTheCallThatAskedForIt() {
    ChatMemory memory = new ChatMemory(100);
    memory.add(Message.user(words(40)));
    memory.add(ASKS);
    memory.add(Message.tool(CALL, words(95)));
    // over the budget, but a result alone would be refused
    assertThat(memory.messages()).extracting(Message::role).containsExactly("assistant", "tool");
    memory.add(Message.tool(CALL, words(50)));
    assertThat(memory.messages())
        .extracting(Message::role)
        .containsExactly("assistant", "tool", "tool");
  }

  @Test
  void aToolsResultGoesWithItsCall() {
    ChatMemory memory = new ChatMemory(100);
    memory.add(Message.system("be brief"));
    memory.add(Message.user(words(20)));
    memory.add(ASKS);
    memory.add(Message.tool(CALL, words(20)));
    memory.add(Message.tool(CALL, words(20)));
    memory.add(Message.assistant(words(10)));
    int before = memory.tokens();
    assertThat(memory.messages()).hasSize(6);
    memory.add(Message.user(words(50)));
    // the question is not enough: the call goes next, and both results with it
    assertThat(memory.messages())
        .extracting(Message::role)
        .containsExactly("system", "assistant", "user");
    assertThat(memory.tokens())
        .isLessThan(before)
        .isEqualTo(memory.messages().stream().mapToInt(ChatMemory::estimate).sum());
  }

  @Test
  void theNewestMessageStaysHoweverLong() {
    ChatMemory memory = new ChatMemory(10);
    memory.add(Message.user(words(20)));
    memory.add(Message.user(words(30)));
    assertThat(memory.messages()).containsExactly(Message.user(words(30)));
  }
}
