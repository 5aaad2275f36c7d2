import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/**
 * Looks whether each published module has what a public repository asks for: {@code java
 * .ci/PublishCheck.java REPOSITORY VERSION}. Fails with everything that is missing.
 */
final class PublishCheck {
  private static final List<String> MODULES =
      List.of("llmguard-api", "llmguard-boot", "llmguard-reactive", "llmguard-servlet");

  private static final String PROJECT = "https://github.com/llmguard/llmguard";

  private final List<String> problems = new ArrayList<>();
  private final String version;

  private PublishCheck(String version) {
    this.version = version;
  }

  public static void main(String[] args) throws Exception {
    Path group = Path.of(args[0]).resolve("io/llmguard");
    PublishCheck check = new PublishCheck(args[1]);
    try (var modules = Files.list(group)) {
      List<String> names =
          modules
              .filter(Files::isDirectory)
              .map(folder -> folder.getFileName().toString())
              .sorted()
              .toList();
      check.expect(names.equals(MODULES), "published are " + names + ", not " + MODULES);
    }
    for (String module : MODULES) {
      check.module(module, group.resolve(module).resolve(args[1]));
    }
    check.problems.forEach(System.err::println);
    if (check.problems.isEmpty()) {
      System.out.println("fit to be published: " + String.join(", ", MODULES));
    }
    System.exit(check.problems.isEmpty() ? 0 : 1);
  }

  private void expect(boolean holds, String problem) {
    if (!holds) {
      problems.add(problem);
    }
  }

  private void module(String module, Path folder) throws Exception {
    String base = module + "-" + version;
    pom(module, folder.resolve(base + ".pom"));
    archive(folder.resolve(base + ".jar"), ".class", true);
    archive(folder.resolve(base + "-sources.jar"), ".java", true);
    archive(folder.resolve(base + "-javadoc.jar"), "index.html", false);
  }

  private void archive(Path file, String holds, boolean licence) throws IOException {
    if (!Files.exists(file)) {
      problems.add(file.getFileName() + " is missing");
      return;
    }
    try (JarFile jar = new JarFile(file.toFile())) {
      expect(
          jar.stream().anyMatch(entry -> entry.getName().endsWith(holds)),
          file.getFileName() + " holds no " + holds);
      expect(
          jar.stream().noneMatch(entry -> entry.getName().contains("/testkit/")),
          file.getFileName() + " holds tests");
      if (holds.equals(".class")) {
        expect(
            jar.getManifest().getMainAttributes().getValue("Automatic-Module-Name") != null,
            file.getFileName() + " has no module name");
      }
      if (licence) {
        ZipEntry text = jar.getEntry("META-INF/LICENSE");
        expect(text != null && same(jar, text), file.getFileName() + " does not hold the licence");
      }
    }
  }

  private static boolean same(JarFile jar, ZipEntry entry) throws IOException {
    try (InputStream in = jar.getInputStream(entry)) {
      return Arrays.equals(in.readAllBytes(), Files.readAllBytes(Path.of("LICENSE")));
    }
  }

  private void pom(String module, Path file) throws Exception {
    if (!Files.exists(file)) {
      problems.add(file.getFileName() + " is missing");
      return;
    }
    String name = file.getFileName().toString();
    String text = Files.readString(file);
    expect(!text.contains("${"), name + " has a property that is not resolved");
    expect(!text.contains("SNAPSHOT"), name + " names a snapshot");
    Element pom =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(file.toFile())
            .getDocumentElement();
    expect(child(pom, "parent") == null, name + " has a parent");
    expect(child(pom, "dependencyManagement") == null, name + " manages versions");
    expect(child(pom, "repositories") == null, name + " names repositories");
    expect("io.llmguard".equals(text(pom, "groupId")), name + ": groupId");
    expect(module.equals(text(pom, "artifactId")), name + ": artifactId");
    expect(version.equals(text(pom, "version")), name + ": version");
    expect("Apache-2.0".equals(text(pom, "licenses", "license", "name")), name + ": licence");
    expect(PROJECT.equals(text(pom, "url")), name + ": url");
    expect(PROJECT.equals(text(pom, "scm", "url")), name + ": scm/url");
    expect(
        ("scm:git:" + PROJECT + ".git").equals(text(pom, "scm", "connection")),
        name + ": scm/connection");
    for (String[] path :
        new String[][] {
          {"name"},
          {"description"},
          {"licenses", "license", "url"},
          {"developers", "developer", "name"}
        }) {
      expect(!text(pom, path).isBlank(), name + " has no " + String.join("/", path));
    }
    Element dependencies = child(pom, "dependencies");
    expect(dependencies != null, name + " has no dependencies");
    for (Element dependency : dependencies == null ? List.<Element>of() : children(dependencies)) {
      String what = name + ": " + text(dependency, "artifactId");
      expect(!text(dependency, "version").isBlank(), what + " has no version");
      expect(!text(dependency, "scope").equals("test"), what + " is for tests");
    }
  }

  private static String text(Element from, String... path) {
    Element at = from;
    for (String name : path) {
      at = at == null ? null : child(at, name);
    }
    return at == null ? "" : at.getTextContent().strip();
  }

  private static Element child(Element parent, String name) {
    return children(parent).stream()
        .filter(element -> element.getTagName().equals(name))
        .findFirst()
        .orElse(null);
  }

  private static List<Element> children(Element parent) {
    List<Element> found = new ArrayList<>();
    NodeList nodes = parent.getChildNodes();
    for (int i = 0; i < nodes.getLength(); i++) {
      Node node = nodes.item(i);
      if (node instanceof Element element) {
        found.add(element);
      }
    }
    return found;
  }
}
