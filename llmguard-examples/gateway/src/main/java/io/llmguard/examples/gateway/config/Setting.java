package io.llmguard.examples.gateway.config;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.nodes.MappingNode;
import org.yaml.snakeyaml.nodes.Node;
import org.yaml.snakeyaml.nodes.NodeTuple;
import org.yaml.snakeyaml.nodes.ScalarNode;
import org.yaml.snakeyaml.nodes.SequenceNode;
import org.yaml.snakeyaml.nodes.Tag;

/**
 * One setting of a configuration file, with its place, so that every error can name it.
 *
 * <p>Strings may hold {@code ${NAME}} and may be {@code os.environ/NAME}: both read the
 * environment. What a setting holds is read only when it is asked for, so an unset variable in a
 * part that nobody uses hurts nobody.
 */
final class Setting {
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)}");
  private static final String ENVIRON = "os.environ/";
  private static final int MOST_MERGES = 20;

  private final String file;
  private final String path;
  private final Node node;
  private final Function<String, @Nullable String> environment;
  private final Set<String> read = new TreeSet<>();
  private @Nullable Map<String, Setting> children;

  Setting(String file, String path, Node node, Function<String, @Nullable String> environment) {
    this.file = file;
    this.path = path;
    this.node = node;
    this.environment = environment;
  }

  String path() {
    return path;
  }

  /** The last part of the path. */
  String name() {
    return path.substring(path.lastIndexOf('.') + 1);
  }

  /** True if it is null, false or empty. */
  boolean saysNothing() {
    if (node instanceof ScalarNode scalar) {
      return isNull() || scalar.getValue().isEmpty() || scalar.getValue().equalsIgnoreCase("false");
    }
    return node instanceof SequenceNode sequence
        ? sequence.getValue().isEmpty()
        : node instanceof MappingNode mapping && mapping.getValue().isEmpty();
  }

  int line() {
    return node.getStartMark() == null ? 1 : node.getStartMark().getLine() + 1;
  }

  /** Where the setting stands, for messages. */
  String place() {
    return file + ":" + line();
  }

  ConfigException error(String problem) {
    return new ConfigException(file, line(), path.isEmpty() ? null : path, problem);
  }

  boolean isNull() {
    return Tag.NULL.equals(node.getTag());
  }

  boolean isMapping() {
    return node instanceof MappingNode;
  }

  boolean isList() {
    return node instanceof SequenceNode;
  }

  /** The setting below this one, or null when it is absent or empty; notes that it is known. */
  @Nullable Setting get(String name) {
    read.add(name);
    Setting child = children().get(name);
    return child == null || child.isNull() ? null : child;
  }

  /** The setting below this one; an error when it is absent. */
  Setting require(String name) {
    Setting child = get(name);
    if (child == null) {
      throw error("needs the setting " + name);
    }
    return child;
  }

  Set<String> names() {
    return children().keySet();
  }

  /** Settings below this one that nobody asked for, in the order of the file. */
  List<Setting> unread() {
    List<Setting> unread = new ArrayList<>();
    children()
        .forEach(
            (name, child) -> {
              if (!read.contains(name)) {
                unread.add(child);
              }
            });
    return unread;
  }

  /** Refuses settings below this one that nobody asked for. */
  void refuseUnknown() {
    for (Setting child : unread()) {
      throw child.error("unknown setting; known here: " + String.join(", ", read));
    }
  }

  private Map<String, Setting> children() {
    if (children == null) {
      if (!(node instanceof MappingNode mapping)) {
        throw error("must hold settings (name: value), not " + kind());
      }
      children = readChildren(mapping, 0);
    }
    return children;
  }

  private Map<String, Setting> readChildren(MappingNode mapping, int depth) {
    Map<String, Setting> found = new LinkedHashMap<>();
    List<Node> merged = new ArrayList<>();
    for (NodeTuple tuple : mapping.getValue()) {
      if (!(tuple.getKeyNode() instanceof ScalarNode key)) {
        throw error("the name of a setting must be a plain word");
      }
      if (Tag.MERGE.equals(key.getTag())) {
        merged.add(tuple.getValueNode());
        continue;
      }
      String name = key.getValue();
      String below = path.isEmpty() ? name : path + "." + name;
      // a value of no length stands at the line of what follows: name the line of its key
      Node value = tuple.getValueNode();
      Setting child = new Setting(file, below, value, environment);
      if (found.put(name, child) != null) {
        throw new ConfigException(
            file, key.getStartMark().getLine() + 1, below, "is set twice in one place");
      }
    }
    merged.forEach(node -> merge(node, found, depth));
    return found;
  }

  /** YAML's {@code <<}: what stands in other groups and not in this one. */
  private void merge(Node node, Map<String, Setting> into, int depth) {
    if (depth > MOST_MERGES) {
      throw error("takes settings by << from too many groups, or from itself");
    }
    if (node instanceof MappingNode group) {
      readChildren(group, depth + 1).forEach(into::putIfAbsent);
    } else if (node instanceof SequenceNode groups) {
      groups.getValue().forEach(each -> merge(each, into, depth + 1));
    } else {
      throw error("takes by << what are no settings");
    }
  }

  List<Setting> list() {
    if (!(node instanceof SequenceNode sequence)) {
      throw error("must be a list, not " + kind());
    }
    List<Setting> items = new ArrayList<>();
    for (Node item : sequence.getValue()) {
      items.add(new Setting(file, path + "[" + items.size() + "]", item, environment));
    }
    return items;
  }

  /** A list of strings; a single string stands for a list of one. */
  List<String> strings() {
    if (node instanceof ScalarNode) {
      return List.of(string());
    }
    return list().stream().map(Setting::string).toList();
  }

  String string() {
    if (!(node instanceof ScalarNode scalar) || isNull()) {
      throw error("must be a single value, not " + kind());
    }
    String value = scalar.getValue();
    if (value.startsWith(ENVIRON)) {
      return variable(value.substring(ENVIRON.length()));
    }
    Matcher matcher = VARIABLE.matcher(value);
    StringBuilder replaced = new StringBuilder();
    while (matcher.find()) {
      matcher.appendReplacement(replaced, Matcher.quoteReplacement(variable(matcher.group(1))));
    }
    return matcher.appendTail(replaced).toString();
  }

  private String variable(String name) {
    String value = environment.apply(name);
    if (value == null || value.isEmpty()) {
      throw error("the environment variable " + name + " is not set; set it, or write a value");
    }
    return value;
  }

  boolean bool() {
    String value = string();
    return switch (value) {
      case "true" -> true;
      case "false" -> false;
      default -> throw error("must be true or false");
    };
  }

  long number(long min, long max) {
    String value = string();
    long number;
    try {
      number = new BigDecimal(value).longValueExact();
    } catch (NumberFormatException e) {
      throw error("must be a whole number");
    } catch (ArithmeticException e) {
      throw error("must be a whole number between " + min + " and " + max);
    }
    if (number < min || number > max) {
      throw error("must be between " + min + " and " + max + ", not " + number);
    }
    return number;
  }

  /** A number that need not be whole. */
  double decimal(double min, double max) {
    double number;
    try {
      number = new BigDecimal(string()).doubleValue();
    } catch (NumberFormatException e) {
      throw error("must be a number");
    }
    if (!(number >= min && number <= max)) {
      throw error("must be between " + min + " and " + max);
    }
    return number;
  }

  /** A size in bytes: a number, or one with k, m or g (of 1024). */
  long bytes(long min, long max) {
    String value = string().toLowerCase(java.util.Locale.ROOT);
    Matcher matcher = Pattern.compile("(\\d{1,12})\\s*([kmg])?i?b?").matcher(value);
    if (!matcher.matches()) {
      throw error("must be a size such as 1048576, 512k, 10m or 2g");
    }
    String unit = matcher.group(2);
    int shift = unit == null ? 0 : "kmg".indexOf(unit) * 10 + 10;
    long size = Long.parseLong(matcher.group(1)) << shift;
    if (size < min || size > max) {
      throw error("must be between " + min + " and " + max + " bytes, not " + size);
    }
    return size;
  }

  /** A duration such as 500ms, 30s, 1m, 1h, 7d; a bare number is seconds. */
  Duration duration() {
    Duration duration;
    try {
      duration = Durations.parse(string());
    } catch (IllegalArgumentException e) {
      throw error(String.valueOf(e.getMessage()));
    }
    if (duration.isZero()) {
      throw error("must be longer than nothing");
    }
    return duration;
  }

  <E extends Enum<E>> E oneOf(Class<E> type) {
    String value = string();
    for (E constant : type.getEnumConstants()) {
      if (constant.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-').equals(value)) {
        return constant;
      }
    }
    StringBuilder known = new StringBuilder();
    for (E constant : type.getEnumConstants()) {
      known
          .append(known.isEmpty() ? "" : ", ")
          .append(constant.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-'));
    }
    throw error("must be one of " + known);
  }

  private String kind() {
    return node instanceof MappingNode
        ? "a group of settings"
        : node instanceof SequenceNode ? "a list" : isNull() ? "nothing" : "a single value";
  }
}
