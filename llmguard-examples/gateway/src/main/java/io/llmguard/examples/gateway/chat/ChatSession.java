package io.llmguard.examples.gateway.chat;

import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.Conversation;
import io.llmguard.ollama.EventStream;
import io.llmguard.ollama.Message;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.OllamaException;
import java.util.stream.Collectors;

/**
 * Questions typed, answers shown piece by piece as they come, both remembered. A failure is told
 * and, where a person types, the chat goes on.
 */
public final class ChatSession {
  /** What is sent along of the conversation: within the context that servers have by default. */
  private static final int MEMORY_TOKENS = 3072;

  private static final String HELP =
      """
      /bye     ends the chat (so does Ctrl-D)
      /clear   forgets the conversation
      /models  lists the models that this key may use
      Ctrl-C   cancels the answer under way""";

  private final OllamaClient client;
  private final ChatTerminal terminal;
  private final ChatRequest template;
  private final String url;
  private Conversation conversation;

  /** A chat that begins with the template's messages. */
  public ChatSession(OllamaClient client, ChatTerminal terminal, ChatRequest template, String url) {
    this.client = client;
    this.terminal = terminal;
    this.template = template;
    this.url = url;
    this.conversation = begin();
  }

  private Conversation begin() {
    return new Conversation(client, template, MEMORY_TOKENS);
  }

  /** Runs to the end of the input; false where a question from a pipe was not answered. */
  public boolean run() {
    while (true) {
      String line = terminal.line("> ");
      String typed = line == null ? "/bye" : line.strip();
      boolean went = true;
      switch (typed) {
        case "" -> {}
        case "/bye", "/exit" -> {
          return true;
        }
        case "/clear" -> conversation = begin();
        case "/help", "/?" -> terminal.tell(HELP);
        case "/models" -> went = models();
        default -> went = answer(typed);
      }
      if (!went && !terminal.interactive()) {
        return false;
      }
    }
  }

  private boolean models() {
    try {
      terminal.print(
          Printable.of(
              client.list().models().stream()
                  .map(model -> model.name() + "\n")
                  .collect(Collectors.joining())));
      return true;
    } catch (OllamaException e) {
      terminal.tell(Advice.on(e, url));
      return false;
    }
  }

  private boolean answer(String question) {
    Message message = Message.user(question);
    try (EventStream<ChatResponse, ChatResponse> stream = conversation.sayStream(message)) {
      terminal.interruptible(stream::cancel, () -> show(stream));
      conversation.remember(message, stream.result());
      return true;
    } catch (OllamaException e) {
      terminal.tell("(" + Advice.on(e, url) + ")");
      return false;
    }
  }

  private void show(EventStream<ChatResponse, ChatResponse> stream) {
    boolean begun = false;
    try {
      for (ChatResponse chunk : stream) {
        String text = Printable.of(chunk.text());
        if (!text.isEmpty()) {
          terminal.print(text);
          begun = true;
        }
      }
    } finally {
      if (begun) {
        terminal.print("\n");
      }
    }
  }
}
