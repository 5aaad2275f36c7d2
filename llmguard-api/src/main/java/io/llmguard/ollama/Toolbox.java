package io.llmguard.ollama;

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
import java.util.Optional;
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
   * Runs one call. What goes wrong is told to the model, not thrown: an unknown tool, arguments
   * that do not fit, a failing tool (its exception's type only).
   */
  public Message run(ToolCall call) {
    Entry entry = entries.get(call.name());
    if (entry == null) {
      return Message.tool(call, "error: there is no such tool");
    }
    try {
      Object result = entry.run().apply(call);
      return Message.tool(call, result instanceof String text ? text : Json.text(plain(result)));
    } catch (StructuredOutputException e) {
      return Message.tool(call, "error: the arguments do not fit: " + e.getMessage());
    } catch (RuntimeException e) {
      return Message.tool(call, "error: the tool failed: " + e.getClass().getSimpleName());
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
    if (maxRounds < 1) {
      throw new IllegalArgumentException("maxRounds is under 1: " + maxRounds);
    }
    List<Message> messages = new ArrayList<>(request.messages());
    ChatRequest equipped = request.withTools(tools());
    for (int round = 0; ; round++) {
      ChatResponse answer = client.chat(equipped.withMessages(messages));
      List<ToolCall> calls = answer.message().toolCalls();
      if (calls.isEmpty()) {
        return answer;
      }
      if (round == maxRounds) {
        throw new IllegalStateException(
            "the model still asks for tools after " + maxRounds + " rounds");
      }
      messages.add(answer.message());
      for (ToolCall call : calls) {
        messages.add(run(call));
      }
    }
  }

  private static Object invoke(Object object, Method method, ToolCall call) {
    Parameter[] parameters = method.getParameters();
    @Nullable Object[] values = new @Nullable Object[parameters.length];
    for (int i = 0; i < parameters.length; i++) {
      String name = parameters[i].getName();
      Object value = call.arguments().get(name);
      if (parameters[i].getType() == Optional.class) {
        throw new IllegalArgumentException(name + ": a method's parameter cannot be optional");
      }
      if (value == null) {
        throw new StructuredOutputException("/" + name, "is missing", "");
      }
      values[i] = Structured.bind(value, parameters[i].getParameterizedType(), "/" + name);
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

  private static @Nullable Object plain(@Nullable Object value) {
    if (value instanceof Record record) {
      return Structured.plain(record);
    }
    return value == null
            || value instanceof Map<?, ?>
            || value instanceof Iterable<?>
            || value instanceof Number
            || value instanceof Boolean
            || value instanceof Enum<?>
        ? value
        : value.toString();
  }
}
