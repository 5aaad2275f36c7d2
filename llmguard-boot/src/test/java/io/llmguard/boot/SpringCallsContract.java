package io.llmguard.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.Guard;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.asm.ClassReader;
import org.springframework.asm.ClassVisitor;
import org.springframework.asm.Handle;
import org.springframework.asm.MethodVisitor;
import org.springframework.asm.SpringAsmInfo;
import org.springframework.asm.Type;
import org.springframework.http.HttpHeaders;
import org.springframework.util.MultiValueMap;

/**
 * One jar for two generations of Spring: what the classes of all library modules call is there in
 * the one of this run, and of {@code HttpHeaders} they call nothing that has changed between them.
 */
public abstract class SpringCallsContract {
  private static final String FIELDS = "org/springframework/http/HttpHeaders";

  /**
   * What these fields were in Spring 6, and are no more: a call by it would find no such method.
   */
  private static final List<String> MAPS =
      List.of(
          "org/springframework/util/MultiValueMap", "org/springframework/util/LinkedMultiValueMap");

  /** What both have, in the same form; in Spring 7 these fields are no map any more. */
  private static final Set<String> ALIKE =
      Set.of(
          "<init>()V",
          "getFirst",
          "getValuesAsList",
          "set",
          "add",
          "headerSet",
          "forEach",
          "getContentLength",
          "setContentLength",
          "readOnlyHttpHeaders(Lorg/springframework/http/HttpHeaders;)Lorg/springframework/http/HttpHeaders;");

  private static final List<String> FOREIGN =
      List.of("org/springframework/", "reactor/", "io/netty/", "org/reactivestreams/");

  private final Class<?> adapter;

  /** A contract of the module of this class, and of those that come with it. */
  protected SpringCallsContract(Class<?> adapter) {
    this.adapter = adapter;
  }

  private record Call(String owner, String name, String descriptor, String from) {
    boolean alike() {
      boolean ofFields = owner.equals(FIELDS);
      return !MAPS.contains(owner)
          && (!ofFields || ALIKE.contains(name) || ALIKE.contains(name + descriptor));
    }

    /** Health is another class in each Boot, and what refers to it is loaded by one only. */
    boolean ofOneBootOnly() {
      return from.endsWith("$Boot3Health") || from.endsWith("$Boot4Health");
    }

    boolean exists() throws ClassNotFoundException {
      Class<?> type = Class.forName(owner.replace('/', '.'));
      if (name.equals("<init>")) {
        return Arrays.stream(type.getDeclaredConstructors())
            .anyMatch(c -> Type.getConstructorDescriptor(c).equals(descriptor));
      }
      return Stream.<Class<?>>iterate(type, c -> c != null, c -> c.getSuperclass())
          .flatMap(c -> Stream.concat(Arrays.stream(c.getDeclaredMethods()), inherited(c)))
          .anyMatch(
              m -> m.getName().equals(name) && Type.getMethodDescriptor(m).equals(descriptor));
    }

    private static Stream<java.lang.reflect.Method> inherited(Class<?> type) {
      return Arrays.stream(type.getInterfaces()).flatMap(i -> Arrays.stream(i.getMethods()));
    }
  }

  private static List<Call> calls(InputStream bytecode) throws IOException {
    List<Call> calls = new ArrayList<>();
    ClassReader reader = new ClassReader(bytecode);
    String from = reader.getClassName();
    reader.accept(
        new ClassVisitor(SpringAsmInfo.ASM_VERSION) {
          @Override
          public MethodVisitor visitMethod(
              int access, String name, String descriptor, String signature, String[] exceptions) {
            return new MethodVisitor(SpringAsmInfo.ASM_VERSION) {
              @Override
              public void visitMethodInsn(
                  int opcode, String owner, String called, String type, boolean isInterface) {
                calls.add(new Call(owner, called, type, from));
              }

              @Override
              public void visitInvokeDynamicInsn(
                  String called, String type, Handle bootstrap, Object... arguments) {
                for (Object argument : arguments) {
                  if (argument instanceof Handle handle) {
                    calls.add(
                        new Call(handle.getOwner(), handle.getName(), handle.getDesc(), from));
                  }
                }
              }
            };
          }
        },
        ClassReader.SKIP_DEBUG | ClassReader.SKIP_FRAMES);
    return calls;
  }

  private List<Call> ofAllModules() throws IOException, URISyntaxException {
    List<Call> calls = new ArrayList<>();
    for (Class<?> one : List.of(Guard.class, LlmGuardAutoConfiguration.class, adapter)) {
      Path classes = Path.of(one.getProtectionDomain().getCodeSource().getLocation().toURI());
      if (Files.isDirectory(classes)) {
        collect(classes, calls);
      } else {
        try (FileSystem jar = FileSystems.newFileSystem(classes)) {
          collect(jar.getPath("/"), calls);
        }
      }
    }
    return calls;
  }

  private static void collect(Path classes, List<Call> into) throws IOException {
    try (Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
        try (InputStream in = Files.newInputStream(file)) {
          into.addAll(calls(in));
        }
      }
    }
  }

  @Test
  void noCallGoesToAMethodOfHttpHeadersThatHasChanged() throws Exception {
    List<Call> calls = ofAllModules();
    assertThat(calls.stream().map(call -> call.from().replaceAll("/[^/]+$", "")))
        .contains("io/llmguard", "io/llmguard/boot", adapter.getPackageName().replace('.', '/'));
    assertThat(calls).allMatch(Call::alike);
  }

  @Test
  void everyForeignMethodThatIsCalledIsThere() throws Exception {
    Set<String> missing = new TreeSet<>();
    for (Call call : ofAllModules()) {
      boolean foreign = FOREIGN.stream().anyMatch(call.owner()::startsWith);
      if (foreign && !call.ofOneBootOnly() && !call.exists()) {
        missing.add(call.toString());
      }
    }
    assertThat(missing).isEmpty();
  }

  /** What the check must find. */
  static final class Careless {
    private Careless() {}

    static List<String> all(HttpHeaders fields) {
      return fields.getOrEmpty("X");
    }
  }

  /** And this. */
  static final class CarelessInDisguise {
    private CarelessInDisguise() {}

    static String first(HttpHeaders fields) {
      MultiValueMap<String, String> map = fields;
      return map.getFirst("X");
    }
  }

  @ParameterizedTest
  @ValueSource(classes = {Careless.class, CarelessInDisguise.class})
  void aCarelessCallIsFound(Class<?> careless) throws Exception {
    String file = careless.getName().replaceAll(".*\\.", "") + ".class";
    try (InputStream in = careless.getResourceAsStream(file)) {
      assertThat(in).isNotNull();
      assertThat(calls(in)).anyMatch(call -> !call.alike());
    }
  }
}
