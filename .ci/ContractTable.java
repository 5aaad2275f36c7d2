import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/**
 * Prints the HTTP contract as one table in Markdown, a row for each test and a column for each
 * engine, from the reports that {@code mvn verify} left: {@code java .ci/ContractTable.java}.
 */
final class ContractTable {
  private static final Pattern REPORT =
      Pattern.compile(".*/(llmguard-[a-z]+)/target/surefire-reports(?:-([a-z0-9-]+))?/TEST-.*");
  private static final List<String> CONTRACTS =
      List.of("AdmissionTest", "BodyTest", "ContextPathTest", "StreamingTest", "TokenTest");

  public static void main(String[] args) throws Exception {
    Map<String, Map<String, String>> rows = new TreeMap<>();
    Set<String> engines = new TreeSet<>();
    try (Stream<Path> files = Files.walk(Path.of("").toAbsolutePath())) {
      for (Path file : files.filter(ContractTable::isReport).toList()) {
        Matcher matcher = REPORT.matcher(file.toString());
        if (matcher.matches()) {
          String suffix = matcher.group(2) == null ? "default" : matcher.group(2);
          String engine = matcher.group(1).substring("llmguard-".length()) + " " + suffix;
          engines.add(engine);
          read(file, engine, rows);
        }
      }
    }
    if (rows.isEmpty()) {
      throw new IOException("there are no reports: run mvn verify before");
    }
    System.out.println("| | " + String.join(" | ", engines) + " |");
    System.out.println("| --- |" + " --- |".repeat(engines.size()));
    boolean failed = false;
    for (Map.Entry<String, Map<String, String>> row : rows.entrySet()) {
      StringBuilder line = new StringBuilder("| " + row.getKey() + " |");
      for (String engine : engines) {
        String result = row.getValue().getOrDefault(engine, "");
        failed |= result.equals("FAILED");
        line.append(' ').append(result).append(" |");
      }
      System.out.println(line);
    }
    System.exit(failed ? 1 : 0);
  }

  private static boolean isReport(Path file) {
    String name = file.getFileName().toString();
    return name.startsWith("TEST-")
        && CONTRACTS.stream().anyMatch(contract -> name.endsWith("." + contract + ".xml"));
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
      rows.computeIfAbsent(name, n -> new TreeMap<>())
          .merge(engine, result, (a, b) -> a.equals("FAILED") || b.equals("passed") ? a : b);
    }
  }
}
