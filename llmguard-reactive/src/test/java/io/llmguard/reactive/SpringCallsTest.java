package io.llmguard.reactive;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.asm.ClassReader;
import org.springframework.asm.ClassVisitor;
import org.springframework.asm.Handle;
import org.springframework.asm.MethodVisitor;
import org.springframework.asm.SpringAsmInfo;
import org.springframework.asm.Type;
import org.springframework.http.HttpHeaders;

/**
 * One jar for two generations of Spring: what our classes call is there in the one of this run, and
 * of {@code HttpHeaders} they call nothing that has changed between them.
 */
@Tag("server")
class SpringCallsTest {
  private static final String FIELDS = "org/springframework/http/HttpHeaders";

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

  private record Call(String owner, String name, String descriptor, String from) {
    boolean alike() {
      return !owner.equals(FIELDS) || ALIKE.contains(name) || ALIKE.contains(name + descriptor);
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

  private static List<Call> ofTheModule() throws IOException, URISyntaxException {
    Path classes =
        Path.of(GuardWebFilter.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    List<Call> calls = new ArrayList<>();
    try (Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".class")).toList()) {
        try (InputStream in = Files.newInputStream(file)) {
          calls.addAll(calls(in));
        }
      }
    }
    return calls;
  }

  @Test
  void noCallGoesToAMethodOfHttpHeadersThatHasChanged() throws Exception {
    List<Call> calls = ofTheModule();
    assertThat(calls).anyMatch(call -> call.owner().equals(FIELDS));
    assertThat(calls).allMatch(Call::alike);
  }

  @Test
  void everyForeignMethodThatIsCalledIsThere() throws Exception {
    Set<String> missing = new TreeSet<>();
    for (Call call : ofTheModule()) {
      if (FOREIGN.stream().anyMatch(call.owner()::startsWith) && !call.exists()) {
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

  @Test
  void aCarelessCallIsFound() throws Exception {
    try (InputStream in = Careless.class.getResourceAsStream("SpringCallsTest$Careless.class")) {
      assertThat(in).isNotNull();
      assertThat(calls(in)).anyMatch(call -> !call.alike());
    }
  }
}
