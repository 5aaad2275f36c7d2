package io.llmguard.examples.gateway.demo;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** A real server's answer, taken apart from the bytes that came over the socket. */
record RecordedAnswer(
    int status, Map<String, String> headers, boolean chunked, List<byte[]> pieces) {
  private static final Set<String> OWN_FRAMING =
      Set.of("content-length", "transfer-encoding", "connection", "keep-alive", "date", "server");

  static RecordedAnswer load(String name) throws IOException {
    try (InputStream in = RecordedAnswer.class.getResourceAsStream("/demo/" + name + ".response")) {
      if (in == null) {
        throw new IOException("no recorded answer " + name);
      }
      return parse(in.readAllBytes());
    }
  }

  int length() {
    return pieces.stream().mapToInt(piece -> piece.length).sum();
  }

  private static RecordedAnswer parse(byte[] raw) {
    // one char a byte, so that positions in the text are positions in the bytes
    String text = new String(raw, StandardCharsets.ISO_8859_1);
    int end = text.indexOf("\r\n\r\n");
    String[] lines = text.substring(0, end).split("\r\n", -1);
    Map<String, String> headers = new LinkedHashMap<>();
    boolean chunked = false;
    for (String line : Arrays.asList(lines).subList(1, lines.length)) {
      int colon = line.indexOf(':');
      String field = line.substring(0, colon);
      String value = line.substring(colon + 1).strip();
      chunked |= field.equalsIgnoreCase("Transfer-Encoding");
      if (!OWN_FRAMING.contains(field.toLowerCase(Locale.ROOT)) && !value.isEmpty()) {
        headers.put(field, value);
      }
    }
    List<byte[]> pieces = new ArrayList<>();
    int at = end + 4;
    while (chunked) {
      int line = text.indexOf("\r\n", at);
      int size = Integer.parseInt(text.substring(at, line), 16);
      if (size == 0) {
        break;
      }
      pieces.add(Arrays.copyOfRange(raw, line + 2, line + 2 + size));
      at = line + 2 + size + 2;
    }
    if (!chunked) {
      pieces.add(Arrays.copyOfRange(raw, at, raw.length));
    }
    return new RecordedAnswer(
        Integer.parseInt(lines[0].substring(9, 12)), headers, chunked, pieces);
  }
}
