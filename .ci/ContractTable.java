import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Prints the HTTP contract as one table in Markdown, a row for each test and a column for each
 * engine, from the reports that {@code mvn verify} left: {@code java .ci/ContractTable.java
 * [DIRECTORY]}. Fails unless every test has passed on every engine.
 */
final class ContractTable {
  /** Where each engine's run leaves its reports. */
  private static final Map<String, String> ENGINES = new LinkedHashMap<>();

  static {
    ENGINES.put("Jetty ee10", "llmguard-servlet/target/surefire-reports");
    ENGINES.put("Jetty ee11", "llmguard-servlet/target/surefire-reports-ee11");
    ENGINES.put("Tomcat", "llmguard-servlet/target/surefire-reports-tomcat");
    ENGINES.put("WebFlux, Spring 6.2", "llmguard-reactive/target/surefire-reports");
    ENGINES.put("WebFlux, Spring 7", "llmguard-reactive/target/surefire-reports-spring7");
    ENGINES.put("Boot 3.5, servlet", "llmguard-servlet/target/surefire-reports-boot3");
    ENGINES.put("Boot 4.1, servlet", "llmguard-servlet/target/surefire-reports-boot4");
    ENGINES.put("Boot 3.5, reactive", "llmguard-reactive/target/surefire-reports-boot3");
    ENGINES.put("Boot 4.1, reactive", "llmguard-reactive/target/surefire-reports-boot4");
  }

  private static final List<String> CONTRACTS =
      List.of(
          "AdmissionTest",
          "AnyMomentTest",
          "BodyTest",
          "ContextPathTest",
          "DepartureTest",
          "StreamingTest",
          "TokenTest");

  public static void main(String[] args) throws Exception {
    Path root = Path.of(args.length == 0 ? "" : args[0]).toAbsolutePath();
    Map<String, Map<String, String>> rows = new TreeMap<>();
    List<String> missing = new ArrayList<>();
    for (Map.Entry<String, String> engine : ENGINES.entrySet()) {
      for (String contract : CONTRACTS) {
        Path report = report(root.resolve(engine.getValue()), contract);
        if (report == null || stale(root.resolve(engine.getValue()), report, contract)) {
          missing.add(engine.getKey() + ": no report of " + contract + " that is up to date");
        } else {
          read(report, engine.getKey(), rows);
        }
      }
    }
    print(rows);
    for (Map.Entry<String, Map<String, String>> row : rows.entrySet()) {
      for (String engine : ENGINES.keySet()) {
        String result = row.getValue().getOrDefault(engine, "not run");
        if (!result.equals("passed")) {
          missing.add(engine + ": " + row.getKey() + ": " + result);
        }
      }
    }
    missing.forEach(System.err::println);
    System.exit(missing.isEmpty() ? 0 : 1);
  }

  private static void print(Map<String, Map<String, String>> rows) {
    System.out.println("| | " + String.join(" | ", ENGINES.keySet()) + " |");
    System.out.println("| --- |" + " --- |".repeat(ENGINES.size()));
    for (Map.Entry<String, Map<String, String>> row : rows.entrySet()) {
      StringBuilder line = new StringBuilder("| " + row.getKey() + " |");
      for (String engine : ENGINES.keySet()) {
        line.append(' ').append(row.getValue().getOrDefault(engine, "")).append(" |");
      }
      System.out.println(line);
    }
  }

  private static Path report(Path directory, String contract) throws IOException {
    if (!Files.isDirectory(directory)) {
      return null;
    }
    try (Stream<Path> files = Files.list(directory)) {
      return files
          .filter(file -> file.getFileName().toString().matches("TEST-.*\\." + contract + "\\.xml"))
          .findFirst()
          .orElse(null);
    }
  }

  /** True if the test was compiled after it has reported: the report tells of another one. */
  private static boolean stale(Path directory, Path report, String contract) throws IOException {
    Path classes = directory.resolveSibling("test-classes");
    String name =
        report.getFileName().toString().replaceAll("TEST-(.*)\\.xml", "$1").replace('.', '/');
    Path compiled = classes.resolve(name + ".class");
    return !Files.exists(compiled)
        || Files.getLastModifiedTime(report).compareTo(Files.getLastModifiedTime(compiled)) < 0;
  }

  private static void read(Path file, String engine, Map<String, Map<String, String>> rows)
      throws Exception {
    NodeList cases =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(file.toFile())
            .getElementsByTagName("testcase");
    for (int i = 0; i < cases.getLength(); i++) {
      Element test = (Element) cases.item(i);
      boolean bad =
          test.getElementsByTagName("failure").getLength() > 0
              || test.getElementsByTagName("error").getLength() > 0;
      boolean skipped = test.getElementsByTagName("skipped").getLength() > 0;
      // the parameters of a test are one row
      String contract = file.getFileName().toString().replaceAll(".*\\.(\\w+)Test\\.xml", "$1");
      String name = contract + ": " + test.getAttribute("name").replaceAll("[({\\[].*", "");
      String result = bad ? "FAILED" : skipped ? "skipped" : "passed";
      rows.computeIfAbsent(name, n -> new TreeMap<>()).merge(engine, result, ContractTable::worse);
    }
  }

  private static String worse(String one, String other) {
    List<String> worstFirst = List.of("FAILED", "skipped", "passed");
    return worstFirst.indexOf(one) < worstFirst.indexOf(other) ? one : other;
  }
}
