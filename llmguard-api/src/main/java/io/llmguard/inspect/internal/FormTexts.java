package io.llmguard.inspect.internal;

import io.llmguard.RequestBody;
import io.llmguard.wire.CheckedForm;
import io.llmguard.wire.PromptParts.Part;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The texts of a form as parts of a prompt, and how they are replaced. */
public final class FormTexts {
  private FormTexts() {}

  /** The texts, each a message of its own. */
  public static List<Part> parts(@Nullable CheckedForm form) {
    List<Part> parts = new ArrayList<>(1);
    if (form != null) {
      for (CheckedForm.Text text : form.texts()) {
        parts.add(new Part(parts.size(), "user", text.text()));
      }
    }
    return parts;
  }

  /**
   * The body with these texts in place of its own.
   *
   * @throws IllegalStateException if it is in no file, or a text would end its field
   */
  public static RequestBody with(RequestBody body, CheckedForm form, List<String> others) {
    if (!(body instanceof RequestBody.InFile file)) {
      throw new IllegalStateException("a form is in a file");
    }
    List<RequestBody.Edit> edits = new ArrayList<>(1);
    for (int i = 0; i < others.size(); i++) {
      CheckedForm.Text before = form.texts().get(i);
      String now = others.get(i);
      if (now.contains(form.boundary())) {
        throw new IllegalStateException("a text of a form with its boundary in it");
      }
      if (!now.equals(before.text())) {
        byte[] bytes = now.getBytes(StandardCharsets.UTF_8);
        edits.add(new RequestBody.Edit(before.offset(), before.length(), ByteBuffer.wrap(bytes)));
      }
    }
    return new RequestBody.EditedFile(file, edits);
  }
}
