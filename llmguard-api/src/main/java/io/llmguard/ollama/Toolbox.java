package io.llmguard.ollama;

import io.llmguard.ollama.internal.Futures;
import io.llmguard.ollama.internal.Json;
import io.llmguard.ollama.internal.Structured;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Parameter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Tools with what runs them, and the loop that lets a model use them. A model chooses the
 * arguments: they are checked against the types before a tool runs, and a tool must treat them as a
 * stranger's. Immutable.
 */
public final class Toolbox {
  private record Entry(Tool tool, Function<ToolCall, Object> run) {}

  private final Map<String, Entry> entries;

  private Toolbox(Map<String, Entry> entries) {
    this.entries = entries;
  }

  /** Without any tool. */
  public static Toolbox empty() {
    return new Toolbox(Map.of());
  }

  /**
   * The public methods of an object that have a {@link Description}.
   *
   * @throws IllegalArgumentException where there is none, or two of one name
   */
  public static Toolbox of(Object object) {
    Toolbox box = empty();
    for (Method method : object.getClass().getDeclaredMethods()) {
      if (Modifier.isPublic(method.getModifiers())
          && method.isAnnotationPresent(Description.class)) {
        box = box.add(Tool.of(method), call -> invoke(object, method, call));
      }
    }
    if (box.entries.isEmpty()) {
      throw new IllegalArgumentException(
          object.getClass().getName() + " has no public method with a @Description");
    }
    return box;
  }

  /** With a tool more, whose arguments are a record. */
  public <A extends Record> Toolbox with(
      String name, String description, Class<A> arguments, Function<A, ?> run) {
    return add(
        Tool.of(name, description, arguments),
        call -> run.apply(arguments.cast(Structured.bind(call.arguments(), arguments, ""))));
  }

  private Toolbox add(Tool tool, Function<ToolCall, Object> run) {
    Map<String, Entry> all = new LinkedHashMap<>(entries);
    if (all.put(tool.name(), new Entry(tool, run)) != null) {
      throw new IllegalArgumentException("two tools of the name " + tool.name());
    }
    return new Toolbox(all);
  }

  /** The tools, for a request. */
  public List<Tool> tools() {
    return entries.values().stream().map(Entry::tool).toList();
  }

  /**
   * Runs one call. What the tool answers is told as JSON, but a text as it is; {@code void} is told
   * as {@code done}. What goes wrong is told to the model, not thrown: an unknown tool, arguments
   * that do not fit, a failing tool (its exception's type only).
   */
  public Message run(ToolCall call) {
    Entry entry = entries.get(call.name());
    if (entry == null) {
      return Message.tool(call, "error: there is no such tool");
    }
    Object result;
    try {
      result = entry.run().apply(call);
    } catch (StructuredOutputException e) {
      return Message.tool(call, "error: the arguments do not fit: " + e.getMessage());
    } catch (RuntimeException e) {
      return Message.tool(call, "error: the tool failed: " + e.getClass().getSimpleName());
    }
    try {
      Object plain = Structured.plain(result);
      return Message.tool(call, plain instanceof String text ? text : Json.text(plain));
    } catch (RuntimeException e) {
      return Message.tool(call, "error: the tool ran, but what it answered cannot be told");
    }
  }

  /**
   * Chats, runs the tools that the model asks for, tells it the results, and so on until it answers
   * without asking.
   *
   * @param maxRounds how many answers may ask for tools, 1 or more
   * @throws IllegalStateException where the model still asks after that
   * @throws OllamaException where a call fails
   */
  public ChatResponse chat(OllamaClient client, ChatRequest request, int maxRounds) {
    ChatRequest next = equipped(request, maxRounds);
    for (int round = 0; ; round++) {
      ChatResponse answer = client.chat(next);
      if (answer.message().toolCalls().isEmpty()) {
        return answer;
      }
      refuseMore(round, maxRounds);
      next = answered(next, answer);
    }
  }

  /**
   * Chats with tools as {@link #chat} does. As a future, which fails as that throws; cancelling it
   * cancels the call under way, not a tool that runs.
   *
   * @param maxRounds how many answers may ask for tools, 1 or more
   * @param executor runs the tools
   */
  public CompletableFuture<ChatResponse> chatAsync(
      OllamaClient client, ChatRequest request, int maxRounds, Executor executor) {
    return round(client, equipped(request, maxRounds), 0, maxRounds, executor);
  }

  private CompletableFuture<ChatResponse> round(
      OllamaClient client, ChatRequest request, int round, int maxRounds, Executor executor) {
    return Futures.then(
        client.chatAsync(request),
        answer -> {
          if (answer.message().toolCalls().isEmpty()) {
            return CompletableFuture.completedFuture(answer);
          }
          refuseMore(round, maxRounds);
          return Futures.then(
              CompletableFuture.supplyAsync(() -> answered(request, answer), executor),
              next -> round(client, next, round + 1, maxRounds, executor));
        });
  }

  private ChatRequest equipped(ChatRequest request, int maxRounds) {
    if (maxRounds < 1) {
      throw new IllegalArgumentException("maxRounds is under 1: " + maxRounds);
    }
    return request.withTools(tools());
  }

  private static void refuseMore(int round, int maxRounds) {
    if (round == maxRounds) {
      throw new IllegalStateException(
          "the model still asks for tools after " + maxRounds + " rounds");
    }
  }

  /** The request with the answer and the results of the tools that it asks for. */
  private ChatRequest answered(ChatRequest request, ChatResponse answer) {
    List<Message> messages = new ArrayList<>(request.messages());
    messages.add(answer.message());
    for (ToolCall call : answer.message().toolCalls()) {
      messages.add(run(call));
    }
    return request.withMessages(messages);
  }

  private static Object invoke(Object object, Method method, ToolCall call) {
    Parameter[] parameters = method.getParameters();
    @Nullable Object[] values = new @Nullable Object[parameters.length];
    for (int i = 0; i < parameters.length; i++) {
      String name = parameters[i].getName();
      values[i] =
          Structured.bind(
              call.arguments().get(name), parameters[i].getParameterizedType(), "/" + name);
    }
    try {
      method.setAccessible(true);
      Object result = method.invoke(object, values);
      return result == null ? "done" : result;
    } catch (InvocationTargetException e) {
      throw e.getCause() instanceof RuntimeException failure
          ? failure
          : new IllegalStateException(e.getCause());
    } catch (IllegalAccessException e) {
      throw new IllegalStateException(method + " cannot be called", e);
    }
  }
}
