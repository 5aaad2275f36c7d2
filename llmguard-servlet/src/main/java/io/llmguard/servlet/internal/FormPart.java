package io.llmguard.servlet.internal;

import io.llmguard.RequestBody;
import io.llmguard.wire.CheckedForm;
import jakarta.servlet.http.Part;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A part of a form that was checked, which goes with the call. */
final class FormPart implements Part {
  private final RequestBody.Spooled body;
  private final CheckedForm.Part part;
  private final Path location;
  private final Map<String, List<String>> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);

  /**
   * A part.
   *
   * @param body what it is a part of
   * @param location where relative files are written
   */
  FormPart(RequestBody.Spooled body, CheckedForm.Part part, Path location) {
    this.body = body;
    this.part = part;
    this.location = location;
    for (String line : part.head()) {
      int colon = line.indexOf(':');
      headers
          .computeIfAbsent(line.substring(0, colon), name -> new ArrayList<>(1))
          .add(line.substring(colon + 1).strip());
    }
  }

  @Override
  public String getName() {
    return part.name();
  }

  @Override
  public @Nullable String getSubmittedFileName() {
    return part.fileName();
  }

  @Override
  public @Nullable String getContentType() {
    return getHeader("Content-Type");
  }

  @Override
  public long getSize() {
    return body.length(part.offset(), end());
  }

  @Override
  public InputStream getInputStream() throws IOException {
    return body.open(part.offset(), end());
  }

  private long end() {
    return part.offset() + part.length();
  }

  @Override
  public void write(String fileName) throws IOException {
    try (InputStream content = getInputStream()) {
      Files.copy(content, location.resolve(fileName), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** Nothing of it is there but what goes with the call. */
  @Override
  public void delete() {}

  @Override
  public @Nullable String getHeader(String name) {
    List<String> values = headers.get(name);
    return values == null ? null : values.get(0);
  }

  @Override
  public Collection<String> getHeaders(String name) {
    return headers.getOrDefault(name, List.of());
  }

  @Override
  public Collection<String> getHeaderNames() {
    return Collections.unmodifiableSet(headers.keySet());
  }
}
