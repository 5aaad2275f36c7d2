package io.llmguard.wire;

import io.llmguard.wire.JsonTree.Kind;
import io.llmguard.wire.JsonTree.Node;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The texts that a checked body gives a model to read, and how they are replaced.
 *
 * <p>Every string is one, but for those that a model does not read: names of models, roles, ids,
 * options, who the user is, and media in base64. So system prompts, tools and their results,
 * schemas and fields that nobody here knows are among them. Names of members are not. Immutable.
 */
public final class PromptParts {
  /** Fields of the body itself that no model reads. */
  private static final Set<String> NOT_READ =
      Set.of(
          "model",
          "name",
          "source",
          "destination",
          "from",
          "stream_options",
          "options",
          "keep_alive",
          "user",
          "metadata",
          "service_tier",
          "tool_choice",
          "encoding_format",
          "include",
          "previous_response_id",
          "conversation",
          "container",
          "truncation",
          "safety_identifier",
          "prompt_cache_key",
          "reasoning_effort",
          "modalities",
          "stop",
          "stop_sequences");

  /** Members of messages and their parts that no model reads. */
  private static final Set<String> LABELS =
      Set.of(
          "role",
          "type",
          "id",
          "status",
          "call_id",
          "tool_call_id",
          "tool_use_id",
          "item_id",
          "file_id",
          "media_type",
          "detail",
          "signature",
          "encrypted_content",
          "cache_control");

  private static final Set<String> MEDIA =
      Set.of(
          "images", "data", "url", "image_url", "video_url", "audio_url", "file_url", "file_data");

  /** Below these, every member is the caller's own. */
  private static final Set<String> FREE =
      Set.of("arguments", "parameters", "input_schema", "schema", "json_schema", "properties");

  private final byte[] body;
  private final List<Part> parts = new ArrayList<>();
  private final List<Node> places = new ArrayList<>();
  private int sections;
  private int messages;

  private PromptParts(byte[] body) {
    this.body = body;
  }

  /**
   * One text.
   *
   * @param message a number that the texts of one message, or of one other field, have in common
   * @param role whose message it is, where the body says so
   * @param text what it says
   */
  public record Part(int message, @Nullable String role, String text) {
    /** Lengths only: a prompt must not reach a log by accident. */
    @Override
    public String toString() {
      return "Part[message=" + message + ", " + text.length() + " chars]";
    }
  }

  /** The texts of a body. */
  public static PromptParts of(CheckedBody body) {
    PromptParts read = new PromptParts(body.bytes());
    Node root = JsonTree.parse(body.bytes());
    if (root == null) {
      throw new IllegalStateException("a checked body is JSON");
    }
    for (Node field : root.children()) {
      if (!NOT_READ.contains(field.key())) {
        read.field(field);
      }
    }
    return read;
  }

  private void field(Node field) {
    boolean list = field.key().equals("messages") || field.key().equals("input");
    if (list && field.kind() == Kind.ARRAY) {
      for (Node element : field.children()) {
        sections++;
        if (element.kind() == Kind.OBJECT) {
          messages++;
        }
        collect(element, "", null, roleOf(element), false);
      }
      return;
    }
    sections++;
    collect(field, field.key(), null, roleOf(field.key()), FREE.contains(field.key()));
  }

  private @Nullable String roleOf(Node message) {
    Node role = message.member("role");
    return role == null || role.kind() != Kind.STRING ? null : text(role);
  }

  private static @Nullable String roleOf(String field) {
    return switch (field) {
      case "system", "instructions" -> "system";
      case "prompt", "input" -> "user";
      default -> null;
    };
  }

  /**
   * Collects the texts below a value.
   *
   * @param key the name of the member that it is, or in whose array it stands
   * @param parent the object that it is a member of
   */
  private void collect(
      Node node, String key, @Nullable Node parent, @Nullable String role, boolean free) {
    switch (node.kind()) {
      case STRING -> {
        if (free || !isMedia(key, node, parent)) {
          parts.add(new Part(sections - 1, role, text(node)));
          places.add(node);
        }
      }
      case ARRAY -> node.children().forEach(child -> collect(child, key, parent, role, free));
      case OBJECT -> {
        for (Node member : node.children()) {
          boolean label = LABELS.contains(member.key()) && member.kind() == Kind.STRING;
          if (free || !label) {
            boolean own = free || FREE.contains(member.key()) || isToolInput(node, member);
            collect(member, member.key(), node, role, own);
          }
        }
      }
      case OTHER -> {
        // a number or a literal says nothing
      }
    }
  }

  private static boolean isToolInput(Node node, Node member) {
    return member.key().equals("input") && node.member("name") != null;
  }

  private boolean isMedia(String key, Node node, @Nullable Node parent) {
    if (!MEDIA.contains(key)) {
      return false;
    }
    Node type = parent == null ? null : parent.member("type");
    boolean saysText =
        key.equals("data")
            && type != null
            && type.kind() == Kind.STRING
            && text(type).equals("text");
    return !saysText && isBase64(node.start() + 1, node.end() - 1);
  }

  private boolean isBase64(int from, int to) {
    int i = from;
    if (JsonText.is(body, from, Math.min(from + 5, to), "data:")) {
      while (i < to && body[i] != ',') {
        i++;
      }
      if (!JsonText.is(body, Math.max(from, i - 7), i, ";base64")) {
        return false;
      }
      i++;
    }
    for (; i < to; i++) {
      byte b = body[i];
      boolean digit =
          (b >= '0' && b <= '9')
              || (b >= 'a' && b <= 'z')
              || (b >= 'A' && b <= 'Z')
              || b == '+'
              || b == '/'
              || b == '='
              || b == '-'
              || b == '_'
              // an escaped slash
              || (b == '\\' && i + 1 < to && body[i + 1] == '/');
      if (!digit) {
        return false;
      }
    }
    return true;
  }

  private String text(Node node) {
    return JsonTree.text(body, node.start(), node.end());
  }

  /** The texts, in the order of the body. */
  public List<Part> parts() {
    return Collections.unmodifiableList(parts);
  }

  /** How many messages the body has. */
  public int messages() {
    return messages;
  }

  /**
   * The body with other texts; every other byte stays as it was.
   *
   * @param texts one for each part, in their order
   */
  public byte[] with(List<String> texts) {
    Splices splices = new Splices(body);
    for (int i = 0; i < places.size(); i++) {
      String text = texts.get(i);
      if (!text.equals(parts.get(i).text())) {
        splices.replace(places.get(i).start(), places.get(i).end(), text);
      }
    }
    return splices.result();
  }
}
