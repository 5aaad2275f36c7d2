package io.llmguard.wire;

import io.llmguard.wire.JsonTree.Kind;
import io.llmguard.wire.JsonTree.Node;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The texts of an answer, or of one line or event of it, and how they are replaced.
 *
 * <p>Every string is one, but for names of models, roles, ids and the like. In a stream, those that
 * continue what came before are told apart from those that stand alone. Immutable.
 */
public final class AnswerTexts {
  /** Members that name or label, and that no model makes up. */
  private static final Set<String> LABELS =
      Set.of(
          "id",
          "object",
          "model",
          "remote_model",
          "remote_host",
          "created_at",
          "role",
          "type",
          "status",
          "finish_reason",
          "done_reason",
          "stop_reason",
          "system_fingerprint",
          "item_id",
          "call_id",
          "response_id",
          "previous_response_id",
          "signature",
          "encrypted_content",
          "service_tier",
          "obfuscation");

  /** Below these, every member is the model's own. */
  private static final Set<String> FREE = Set.of("arguments", "input");

  private static final byte[] EMPTY_ARRAY = {'[', ']'};
  private static final byte[] NULL = {'n', 'u', 'l', 'l'};

  private final byte[] bytes;
  private final boolean json;
  private final boolean deltas;
  private final Operation operation;
  private final List<Text> texts = new ArrayList<>();
  private final List<Node> places = new ArrayList<>();
  private final List<Node> tokens = new ArrayList<>();
  private @Nullable Node context;
  private IntPredicate ends = AnswerTexts::none;

  private AnswerTexts(Operation operation, boolean deltas, byte[] bytes, boolean json) {
    this.operation = operation;
    this.deltas = deltas;
    this.bytes = bytes;
    this.json = json;
  }

  /**
   * One text.
   *
   * @param group what the texts have in common of which only one goes on at a time: the number of a
   *     choice, of a block, of an output
   * @param channel what it continues, or null if it stands alone
   * @param repeats true if it only repeats what has come in pieces
   * @param text what it says
   */
  public record Text(int group, @Nullable String channel, boolean repeats, String text) {
    /** Lengths only: an answer must not reach a log by accident. */
    @Override
    public String toString() {
      return "Text[" + group + ", " + channel + ", " + text.length() + " chars]";
    }
  }

  /**
   * The texts of a whole answer, or of a line or an event of a stream.
   *
   * @param operation what the call asked to do
   * @param stream true for a line's or an event's JSON, false for a whole answer
   * @param bytes kept, not copied
   * @return null if it is neither JSON nor text
   */
  public static @Nullable AnswerTexts of(Operation operation, boolean stream, byte[] bytes) {
    Node root = JsonTree.parse(bytes);
    if (root == null) {
      return plain(operation, bytes);
    }
    AnswerTexts read = new AnswerTexts(operation, stream, bytes, true);
    if (stream) {
      read.ends = read.endings(root);
    }
    read.collect(root, null, false);
    return read;
  }

  /** The bytes as one text that stands alone; null if they are not UTF-8. */
  public static @Nullable AnswerTexts plain(Operation operation, byte[] bytes) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      return null;
    }
    AnswerTexts read = new AnswerTexts(operation, false, bytes, false);
    read.texts.add(new Text(0, null, false, text));
    read.places.add(new Node(Kind.OTHER, "", 0, bytes.length, List.of()));
    return read;
  }

  // ---- what goes on and what ends

  /** Where a value stands in an event: what it continues. */
  private record Channel(int group, String path) {}

  private IntPredicate endings(Node root) {
    return switch (operation.dialect()) {
      case OLLAMA -> isTrue(root.member("done")) ? AnswerTexts::all : AnswerTexts::none;
      case ANTHROPIC -> {
        String type = string(root.member("type"));
        yield switch (type) {
          case "content_block_start", "content_block_delta", "ping" -> AnswerTexts::none;
          case "content_block_stop" -> only(number(root.member("index")));
          default -> AnswerTexts::all;
        };
      }
      default -> {
        if (isNamed(root)) {
          Node output = root.member("output_index");
          yield string(root.member("type")).endsWith(".delta")
              ? AnswerTexts::none
              : output == null ? AnswerTexts::all : only(number(output));
        }
        yield choicesThatEnd(root);
      }
    };
  }

  /** Every group. */
  private static boolean all(int group) {
    return true;
  }

  /** No group. */
  private static boolean none(int group) {
    return false;
  }

  private static IntPredicate only(int group) {
    return each -> each == group;
  }

  private IntPredicate choicesThatEnd(Node root) {
    Node choices = root.member("choices");
    IntPredicate ending = AnswerTexts::none;
    if (choices != null) {
      for (int i = 0; i < choices.children().size(); i++) {
        Node choice = choices.children().get(i);
        if (!string(choice.member("finish_reason")).isEmpty()) {
          ending = ending.or(only(indexOf(choice, i)));
        }
      }
    }
    return ending;
  }

  /** True for the events of responses and transcriptions, which have a type. */
  private boolean isNamed(Node root) {
    return root.member("type") != null && root.member("choices") == null;
  }

  private boolean isTrue(@Nullable Node node) {
    return node != null
        && node.kind() == Kind.OTHER
        && JsonText.is(bytes, node.start(), node.end(), "true");
  }

  private String string(@Nullable Node node) {
    return node == null || node.kind() != Kind.STRING
        ? ""
        : JsonTree.text(bytes, node.start(), node.end());
  }

  private int number(@Nullable Node node) {
    if (node == null || node.kind() != Kind.OTHER) {
      return 0;
    }
    int value = 0;
    for (int i = node.start(); i < node.end() && i < node.start() + 9; i++) {
      if (bytes[i] < '0' || bytes[i] > '9') {
        return 0;
      }
      value = 10 * value + bytes[i] - '0';
    }
    return value;
  }

  private int indexOf(Node element, int place) {
    Node index = element.member("index");
    return index == null ? place : number(index);
  }

  /** What the strings of a member of the event itself continue, or null if they stand alone. */
  private @Nullable Channel channel(Node root, Node member) {
    if (!deltas) {
      return null;
    }
    String key = member.key();
    return switch (operation.dialect()) {
      case OLLAMA -> {
        boolean text = key.equals("response") || key.equals("thinking") || key.equals("message");
        yield text ? new Channel(0, key) : null;
      }
      case ANTHROPIC ->
          key.equals("delta") || key.equals("content_block")
              ? new Channel(number(root.member("index")), "")
              : null;
      default ->
          isNamed(root) && key.equals("delta")
              ? new Channel(
                  number(root.member("output_index")),
                  string(root.member("type"))
                      + number(root.member("content_index"))
                      + "."
                      + number(root.member("summary_index")))
              : null;
    };
  }

  // ---- collecting

  private void collect(Node node, @Nullable Channel channel, boolean free) {
    switch (node.kind()) {
      case STRING -> add(node, channel);
      case ARRAY -> {
        List<Node> elements = node.children();
        for (int i = 0; i < elements.size(); i++) {
          collect(elements.get(i), below(channel, elements.get(i), i), free);
        }
      }
      case OBJECT -> node.children().forEach(member -> member(node, member, channel, free));
      case OTHER -> {
        // a number or a literal says nothing
      }
    }
  }

  private static final Channel CHOICES = new Channel(-1, "");

  private @Nullable Channel below(@Nullable Channel channel, Node element, int place) {
    if (channel == null) {
      return null;
    }
    int index = indexOf(element, place);
    return channel.group() < 0
        ? new Channel(index, "")
        : new Channel(channel.group(), channel.path() + "[" + index + "]");
  }

  private void member(Node object, Node member, @Nullable Channel channel, boolean free) {
    String name = member.key();
    boolean root = object.start() == firstByte();
    if (!free && name.equals("logprobs")) {
      tokens(member);
      return;
    }
    if (root && name.equals("context") && member.kind() == Kind.ARRAY) {
      context = member;
      return;
    }
    if (!free && LABELS.contains(name) && member.kind() == Kind.STRING) {
      return;
    }
    boolean own = free || (FREE.contains(name) && member.kind() == Kind.OBJECT);
    Channel below;
    if (root) {
      boolean choices = deltas && name.equals("choices") && !isNamed(object);
      below = choices ? CHOICES : channel(object, member);
    } else if (channel == null || own) {
      // an object comes whole
      below = null;
    } else {
      below = new Channel(channel.group(), channel.path() + "." + name);
    }
    collect(member, below, own);
  }

  private int firstByte() {
    int i = 0;
    while (i < bytes.length && bytes[i] <= ' ') {
      i++;
    }
    return i;
  }

  /** What the model's words were made of would show them once more. */
  private void tokens(Node logprobs) {
    boolean something = logprobs.kind() == Kind.ARRAY || logprobs.kind() == Kind.OBJECT;
    if (something && logprobs.end() - logprobs.start() > 2) {
      tokens.add(logprobs);
    }
  }

  private void add(Node node, @Nullable Channel channel) {
    boolean repeats = deltas && channel == null && operation == Operation.OPENAI_RESPONSES;
    texts.add(
        new Text(
            channel == null ? 0 : channel.group(),
            channel == null ? null : channel.group() + channel.path(),
            repeats,
            JsonTree.text(bytes, node.start(), node.end())));
    places.add(node);
  }

  // ---- what it comes to

  /** The texts, in the order of the answer. */
  public List<Text> texts() {
    return List.copyOf(texts);
  }

  /** True if the texts of this group end here, so that nothing continues them. */
  public boolean ends(int group) {
    return ends.test(group);
  }

  /** True if it shows its words in another form too, which {@link #with} takes out. */
  public boolean showsTokens() {
    return !tokens.isEmpty();
  }

  /** True if it has Ollama's {@code context}. */
  public boolean showsContext() {
    return context != null && context.end() - context.start() > 2;
  }

  /**
   * The bytes with other texts, and without the log probabilities of tokens; every other byte stays
   * as it was.
   *
   * @param others one for each text, in their order
   * @param withoutContext true to take out Ollama's {@code context} as well: the conversation as
   *     tokens
   */
  public byte[] with(List<String> others, boolean withoutContext) {
    if (!json) {
      return others.get(0).getBytes(StandardCharsets.UTF_8);
    }
    List<Node> nodes = new ArrayList<>(places);
    nodes.addAll(tokens);
    if (withoutContext && context != null) {
      nodes.add(context);
    }
    nodes.sort(Comparator.comparingInt(Node::start));
    Splices splices = new Splices(bytes);
    int text = 0;
    for (Node node : nodes) {
      if (node.kind() == Kind.STRING) {
        if (!others.get(text).equals(texts.get(text).text())) {
          splices.replace(node.start(), node.end(), others.get(text));
        }
        text++;
      } else {
        splices.replace(node.start(), node.end(), node.kind() == Kind.ARRAY ? EMPTY_ARRAY : NULL);
      }
    }
    return splices.result();
  }
}
