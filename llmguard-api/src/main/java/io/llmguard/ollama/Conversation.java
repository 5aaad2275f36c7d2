package io.llmguard.ollama;

import java.util.List;

/**
 * A conversation with a model: remembers both sides, within a budget, which what is sent keeps as
 * well. An answer that fails is not remembered, nor the question. Not thread-safe.
 */
public final class Conversation {
  private final OllamaClient client;
  private final ChatRequest template;
  private final ChatMemory memory;

  /**
   * Starts one.
   *
   * @param client what to ask
   * @param template model, options, tools, and the first messages
   * @param maxTokens the memory's budget
   */
  public Conversation(OllamaClient client, ChatRequest template, int maxTokens) {
    this.client = client;
    this.template = template;
    this.memory = new ChatMemory(maxTokens);
    template.messages().forEach(memory::add);
  }

  /**
   * Says something and waits for the answer.
   *
   * @throws OllamaException where the call fails
   */
  public ChatResponse say(String text) {
    return say(Message.user(text));
  }

  /**
   * Says something and waits for the answer.
   *
   * @throws OllamaException where the call fails
   */
  public ChatResponse say(Message message) {
    ChatResponse answer = client.chat(next(message));
    remember(message, answer);
    return answer;
  }

  /** Says something; {@link #remember} is to be called with the complete answer. */
  public EventStream<ChatResponse, ChatResponse> sayStream(Message message) {
    return client.chatStream(next(message));
  }

  /** Remembers a question and its answer. */
  public void remember(Message question, ChatResponse answer) {
    memory.add(question);
    memory.add(answer.message());
  }

  /** What is remembered. */
  public List<Message> messages() {
    return memory.messages();
  }

  private ChatRequest next(Message message) {
    ChatMemory all = memory.copy();
    all.add(message);
    return template.withMessages(all.messages());
  }
}
