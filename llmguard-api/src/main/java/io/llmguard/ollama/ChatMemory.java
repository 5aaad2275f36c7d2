package io.llmguard.ollama;

import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * The messages of a conversation, kept within a token budget: the oldest go first, but never the
 * system messages, nor the newest message. A tool's result goes with the call that asked for it,
 * and keeps it while it is the newest itself. Tokens are estimated: one for each started four UTF-8
 * bytes of text, 4 for each message, 768 for each picture. Not thread-safe.
 */
public final class ChatMemory {
  private final int maxTokens;
  private final List<Message> system = new ArrayList<>();
  private final ArrayDeque<Message> rest = new ArrayDeque<>();
  private int tokens;

  /**
   * An empty memory.
   *
   * @param maxTokens the budget, more than zero
   */
  public ChatMemory(int maxTokens) {
    if (maxTokens <= 0) {
      throw new IllegalArgumentException("a memory needs a budget over zero: " + maxTokens);
    }
    this.maxTokens = maxTokens;
  }

  /** Adds a message, and forgets the oldest beyond the budget. */
  public void add(Message message) {
    tokens += estimate(message);
    if (message.role().equals("system")) {
      system.add(message);
    } else {
      rest.addLast(message);
    }
    for (int oldest = oldest(); tokens > maxTokens && oldest < rest.size(); oldest = oldest()) {
      for (int i = 0; i < oldest; i++) {
        tokens -= estimate(rest.removeFirst());
      }
    }
  }

  /** How many messages go together at the beginning: a result without its call is refused. */
  private int oldest() {
    int count = 0;
    for (Message message : rest) {
      if (count > 0 && !message.role().equals("tool")) {
        return count;
      }
      count++;
    }
    return count;
  }

  /** Another memory, of the same messages. */
  ChatMemory copy() {
    ChatMemory copy = new ChatMemory(maxTokens);
    copy.system.addAll(system);
    copy.rest.addAll(rest);
    copy.tokens = tokens;
    return copy;
  }

  /** The system messages, then the others, oldest first. */
  public List<Message> messages() {
    List<Message> all = new ArrayList<>(system);
    all.addAll(rest);
    return all;
  }

  /** The estimate of what is kept. */
  public int tokens() {
    return tokens;
  }

  /** The estimate of one message. */
  public static int estimate(Message message) {
    int bytes =
        bytes(message.content()) + (message.thinking() == null ? 0 : bytes(message.thinking()));
    for (ToolCall call : message.toolCalls()) {
      bytes += bytes(call.name()) + bytes(call.arguments().toString());
    }
    return 4 + (bytes + 3) / 4 + 768 * message.images().size();
  }

  private static int bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }
}
