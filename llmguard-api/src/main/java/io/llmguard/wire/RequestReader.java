package io.llmguard.wire;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.exc.StreamConstraintsException;
import java.io.IOException;
import java.util.Objects;

/**
 * Reads the JSON body of a call once, strictly, and says what it asks for.
 *
 * <p>A body passes only if every JSON parser that an upstream may use reads the same in it: UTF-8
 * without a byte order mark, one object and nothing after it (RFC 8259), nested at most 64 deep,
 * with numbers of at most 128 and names of at most 1,024 characters; no key twice in an object. In
 * the objects that policy looks into (the body itself, {@code options}, {@code stream_options},
 * messages and their parts, tools) no key equals another under the case folding of Go's {@code
 * encoding/json}, nor a known field's name without being spelled like it, and known fields have the
 * type that they must have. Elsewhere (schemas, tool calls, {@code metadata}, …) names are free.
 *
 * <p>Immutable and thread-safe.
 */
public final class RequestReader {
  static final int MAX_DEPTH = 64;

  private static final JsonFactory JSON =
      new JsonFactoryBuilder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(128)
                  .maxNameLength(1_024)
                  .maxStringLength(Integer.MAX_VALUE)
                  .build())
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          // bytes are UTF-8: a text in UTF-16 or UTF-32 is not well-formed
          .disable(JsonFactory.Feature.CHARSET_DETECTION)
          .build();

  private final PromptHasher hasher;

  private RequestReader(PromptHasher hasher) {
    this.hasher = hasher;
  }

  /** A reader that digests prompts with SHA-256. */
  public static RequestReader create() {
    return new RequestReader(PromptHasher.sha256());
  }

  /** A reader that digests prompts with {@code hasher}. */
  public static RequestReader create(PromptHasher hasher) {
    return new RequestReader(Objects.requireNonNull(hasher));
  }

  /**
   * Reads a body.
   *
   * @param operation what the call's path says that it is
   * @param body the whole body, decoded from any content coding; kept, not copied
   * @return a {@link CheckedBody} that holds {@code body} itself, or a {@link MalformedBody}
   */
  public BodyReading read(Operation operation, byte[] body) {
    int malformed = Unicode.firstMalformed(body);
    if (malformed >= 0) {
      return new MalformedBody("invalid-utf8", "the body is not UTF-8", malformed, "$");
    }
    if (body.length >= 3 && body[0] == (byte) 0xef && body[1] == (byte) 0xbb) {
      return new MalformedBody("invalid-utf8", "the body begins with a byte order mark", 0, "$");
    }
    try (JsonParser parser = JSON.createParser(body)) {
      BodyCursor at = new BodyCursor(parser, body);
      try {
        return new BodyParser(at, operation, hasher).read();
      } catch (BadBody e) {
        return e.why();
      } catch (StreamConstraintsException e) {
        boolean deep = parser.getParsingContext().getNestingDepth() > MAX_DEPTH;
        return deep
            ? at.malformed("too-deep", "the body is nested deeper than " + MAX_DEPTH)
            : at.malformed("invalid-json", "a name or a number in the body is too long");
      } catch (JsonProcessingException e) {
        // its message quotes the body
        return at.malformed("invalid-json", "the body is not one valid JSON object");
      }
    } catch (IOException e) {
      throw new IllegalStateException("an array was read", e);
    }
  }
}
