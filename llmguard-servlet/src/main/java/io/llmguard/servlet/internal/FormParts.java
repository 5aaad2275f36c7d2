package io.llmguard.servlet.internal;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.llmguard.RequestBody;
import io.llmguard.wire.CheckedForm;
import jakarta.servlet.http.Part;
import java.io.IOException;
import java.io.InputStream;
import java.net.URLDecoder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The parts of a form that was checked: the container has nothing left to find them in. */
final class FormParts {
  private final List<Part> parts;

  /**
   * The parts.
   *
   * @param body what they are parts of
   * @param location where the parts' relative files are written
   */
  FormParts(RequestBody.Spooled body, CheckedForm form, Path location) {
    this.parts =
        form.parts().stream().<Part>map(part -> new FormPart(body, part, location)).toList();
  }

  List<Part> all() {
    return parts;
  }

  @Nullable Part named(String name) {
    for (Part part : parts) {
      if (part.getName().equals(name)) {
        return part;
      }
    }
    return null;
  }

  /** The parameters of the query, and then the texts of parts that are no files. */
  Map<String, String[]> parameters(@Nullable String query) throws IOException {
    Map<String, List<String>> all = new LinkedHashMap<>();
    for (String pair : (query == null ? "" : query).split("&", -1)) {
      int equals = pair.indexOf('=');
      if (!pair.isEmpty()) {
        String name = equals < 0 ? pair : pair.substring(0, equals);
        String value = equals < 0 ? "" : pair.substring(equals + 1);
        add(all, URLDecoder.decode(name, UTF_8), URLDecoder.decode(value, UTF_8));
      }
    }
    for (Part part : parts) {
      if (part.getSubmittedFileName() == null) {
        try (InputStream content = part.getInputStream()) {
          add(all, part.getName(), new String(content.readAllBytes(), UTF_8));
        }
      }
    }
    Map<String, String[]> parameters = new LinkedHashMap<>();
    all.forEach((name, values) -> parameters.put(name, values.toArray(String[]::new)));
    return Collections.unmodifiableMap(parameters);
  }

  private static void add(Map<String, List<String>> all, String name, String value) {
    all.computeIfAbsent(name, n -> new ArrayList<>(1)).add(value);
  }
}
