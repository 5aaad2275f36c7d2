package io.llmguard.inspect;

import com.fasterxml.jackson.core.io.JsonStringEncoder;
import io.llmguard.wire.Framing;
import io.llmguard.wire.Operation;
import java.util.List;

/** An answer as a stream in a dialect, one event for each piece of its text. */
enum Stream {
  OLLAMA_CHAT(Operation.OLLAMA_CHAT, Framing.LINES, "/api/chat") {
    @Override
    String event(String json) {
      return "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":"
          + json
          + "},\"done\":false}\n";
    }

    @Override
    String end(String json) {
      return "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,"
          + "\"prompt_eval_count\":3,\"eval_count\":5}\n";
    }
  },
  OLLAMA_GENERATE(Operation.OLLAMA_GENERATE, Framing.LINES, "/api/generate") {
    @Override
    String event(String json) {
      return "{\"model\":\"m\",\"response\":" + json + ",\"done\":false}\n";
    }

    @Override
    String end(String json) {
      return "{\"model\":\"m\",\"response\":\"\",\"done\":true,\"context\":[1,2,3],"
          + "\"prompt_eval_count\":3,\"eval_count\":5}\n";
    }
  },
  OPENAI_CHAT(Operation.OPENAI_CHAT, Framing.EVENTS, "/v1/chat/completions") {
    @Override
    String event(String json) {
      return "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{\"content\":"
          + json
          + "},\"finish_reason\":null}]}\n\n";
    }

    @Override
    String end(String json) {
      return "data: {\"id\":\"chatcmpl-1\",\"choices\":[{\"index\":0,\"delta\":{},"
          + "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    }
  },
  OPENAI_COMPLETIONS(Operation.OPENAI_COMPLETIONS, Framing.EVENTS, "/v1/completions") {
    @Override
    String event(String json) {
      return "data: {\"choices\":[{\"text\":" + json + ",\"index\":0,\"finish_reason\":null}]}\n\n";
    }

    @Override
    String end(String json) {
      return """
      data: {"choices":[{"text":"","index":0,"finish_reason":"stop"}]}

      data: [DONE]

      """;
    }
  },
  OPENAI_RESPONSES(Operation.OPENAI_RESPONSES, Framing.EVENTS, "/v1/responses") {
    @Override
    String event(String json) {
      return "event: response.output_text.delta\ndata: {\"content_index\":0,\"delta\":"
          + json
          + ",\"item_id\":\"msg_1\",\"output_index\":0,\"type\":\"response.output_text.delta\"}\n\n";
    }

    @Override
    String end(String json) {
      return "event: response.output_text.done\ndata: {\"content_index\":0,\"output_index\":0,"
          + "\"text\":"
          + json
          + ",\"type\":\"response.output_text.done\"}\n\n"
          + "event: response.completed\n"
          + "data: {\"response\":{\"id\":\"resp_1\",\"output\":[{\"content\":[{\"text\":"
          + json
          + ",\"type\":\"output_text\"}]}]},\"type\":\"response.completed\"}\n\n";
    }
  },
  ANTHROPIC(Operation.ANTHROPIC_MESSAGES, Framing.EVENTS, "/v1/messages") {
    @Override
    String event(String json) {
      return "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,"
          + "\"delta\":{\"type\":\"text_delta\",\"text\":"
          + json
          + "}}\n\n";
    }

    @Override
    String end(String json) {
      return """
      event: content_block_stop
      data: {"type":"content_block_stop","index":0}

      event: message_stop
      data: {"type":"message_stop"}

      """;
    }
  };

  final Operation operation;
  final Framing framing;
  final String path;

  Stream(Operation operation, Framing framing, String path) {
    this.operation = operation;
    this.framing = framing;
    this.path = path;
  }

  /** An event with a JSON string as its text. */
  abstract String event(String json);

  /** What ends the stream; some dialects repeat the whole text there. */
  abstract String end(String json);

  String of(List<String> pieces) {
    StringBuilder stream = new StringBuilder();
    pieces.forEach(piece -> stream.append(event(json(piece))));
    return stream.append(end(json(String.join("", pieces)))).toString();
  }

  static String json(String text) {
    return '"' + new String(JsonStringEncoder.getInstance().quoteAsString(text)) + '"';
  }
}
