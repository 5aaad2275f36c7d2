package io.llmguard.testkit;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * An example as it was before the guard was added: {@code src/before} holds each file that is
 * another now, under its path.
 */
public final class UnguardedExample {
  private static final Path BEFORE = Path.of("src/before");
  private static final Pattern DIFF =
      Pattern.compile("```diff\n# (\\S+)\n(.*?)```", Pattern.DOTALL);

  private UnguardedExample() {}

  /** By path, the lines that were taken away and added. */
  public static Map<String, List<String>> changes() throws IOException {
    Map<String, List<String>> changes = new LinkedHashMap<>();
    try (Stream<Path> files = Files.walk(BEFORE)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        Path now = BEFORE.relativize(file);
        changes.put(
            now.toString().replace(File.separatorChar, '/'),
            LineDiff.of(Files.readAllLines(file), Files.readAllLines(now)));
      }
    }
    return changes;
  }

  /** By path, the lines that a document shows in its blocks of {@code diff}. */
  public static Map<String, List<String>> shown(Path document) throws IOException {
    Map<String, List<String>> shown = new LinkedHashMap<>();
    Matcher matcher = DIFF.matcher(Files.readString(document));
    while (matcher.find()) {
      shown.put(matcher.group(1), matcher.group(2).lines().toList());
    }
    return shown;
  }

  /**
   * Compiles the application as it was, without the guard's adapters on the class path.
   *
   * @return what the compiler has to say, or nothing
   */
  public static String compile(Path into) throws IOException {
    List<Path> sources;
    try (Stream<Path> files = Files.walk(Path.of("src/main/java"))) {
      sources =
          files
              .filter(file -> file.toString().endsWith(".java"))
              .map(now -> Files.exists(BEFORE.resolve(now)) ? BEFORE.resolve(now) : now)
              .toList();
    }
    String path =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
            .filter(entry -> !entry.matches(".*llmguard-(servlet|reactive|boot|example-boot).*"))
            .filter(entry -> !entry.contains("llmguard-examples"))
            .collect(Collectors.joining(File.pathSeparator));
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    java.io.StringWriter said = new java.io.StringWriter();
    try (StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, null)) {
      boolean compiled =
          compiler
              .getTask(
                  said,
                  manager,
                  null,
                  List.of("-d", into.toString(), "-cp", path, "-proc:none", "-parameters"),
                  null,
                  manager.getJavaFileObjectsFromPaths(sources))
              .call();
      return compiled ? "" : "not compiled: " + said;
    }
  }
}
