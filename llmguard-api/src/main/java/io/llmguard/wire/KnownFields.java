package io.llmguard.wire;

import java.util.Set;

/** The fields that requests have, as Ollama, llama.cpp, LocalAI and vLLM read them. */
final class KnownFields {
  static final FieldNames OPTIONS =
      new FieldNames(Field.LOAD_OPTION)
          .with("num_predict", Field.OUTPUT_LIMIT)
          .with("num_ctx", Field.CONTEXT_LIMIT)
          .skipping(
              "num_keep seed top_k top_p min_p typical_p tfs_z repeat_last_n temperature"
                  + " repeat_penalty presence_penalty frequency_penalty mirostat mirostat_tau"
                  + " mirostat_eta penalize_newline stop")
          .with("num_batch", Field.LOAD_OPTION)
          .with("num_gpu", Field.LOAD_OPTION)
          .with("main_gpu", Field.LOAD_OPTION)
          .with("num_thread", Field.LOAD_OPTION)
          .with("use_mmap", Field.LOAD_OPTION)
          .with("use_mlock", Field.LOAD_OPTION)
          .with("low_vram", Field.LOAD_OPTION)
          .with("f16_kv", Field.LOAD_OPTION)
          .with("logits_all", Field.LOAD_OPTION)
          .with("vocab_only", Field.LOAD_OPTION)
          .with("numa", Field.LOAD_OPTION);

  static final FieldNames STREAM_OPTIONS =
      new FieldNames()
          .with("include_usage", Field.INCLUDE_USAGE)
          .skipping("continuous_usage_stats include_obfuscation");

  static final FieldNames MESSAGE =
      new FieldNames()
          .with("role", Field.ROLE)
          .with("content", Field.CONTENT)
          .with("images", Field.IMAGES)
          // what a tool put out, in an item of a response's input
          .with("output", Field.CONTENT)
          .skipping(
              "type id status name thinking reasoning reasoning_content refusal audio tool_calls"
                  + " tool_name tool_call_id function_call call_id arguments summary"
                  + " encrypted_content");

  static final FieldNames PART =
      new FieldNames()
          .with("text", Field.TEXT)
          .with("image_url", Field.MEDIA_URL)
          .with("video_url", Field.MEDIA_URL)
          .with("audio_url", Field.MEDIA_URL)
          .with("file_url", Field.MEDIA_URL)
          .with("input_audio", Field.MEDIA_SOURCE)
          .with("source", Field.MEDIA_SOURCE)
          .with("content", Field.CONTENT)
          .skipping(
              "type id name input detail file_id file file_data filename tool_use_id is_error"
                  + " thinking signature cache_control citations title context annotations logprobs"
                  + " refusal");

  static final FieldNames MEDIA =
      new FieldNames()
          .with("url", Field.URL)
          .with("data", Field.DATA)
          .with("content", Field.CONTENT)
          .skipping("type media_type format detail file_id");

  static final FieldNames TOOL =
      new FieldNames()
          .with("type", Field.TYPE)
          .skipping("name description function parameters input_schema strict cache_control");

  private static final FieldNames OLLAMA =
      new FieldNames()
          .with("model", Field.MODEL)
          .with("name", Field.NAME)
          .with("source", Field.SOURCE)
          .with("destination", Field.DESTINATION)
          .with("from", Field.FROM)
          .with("insecure", Field.INSECURE)
          .with("stream", Field.STREAM)
          .with("prompt", Field.PROMPT)
          .with("messages", Field.MESSAGES)
          .with("input", Field.INPUT)
          .with("images", Field.IMAGES)
          .with("options", Field.OPTIONS)
          .with("keep_alive", Field.KEEP_ALIVE)
          .with("logprobs", Field.LOGPROBS)
          .with("top_logprobs", Field.TOP_LOGPROBS)
          .with("tools", Field.TOOLS)
          .skipping(
              "suffix system template context raw format think truncate shift dimensions verbose"
                  + " width height steps files adapters license parameters quantize quantization"
                  + " modelfile path renderer parser requires info username password"
                  + " _debug_render_only");

  private static final FieldNames OPENAI =
      new FieldNames()
          .with("model", Field.MODEL)
          .with("stream", Field.STREAM)
          .with("stream_options", Field.STREAM_OPTIONS)
          .with("messages", Field.MESSAGES)
          .with("prompt", Field.PROMPT)
          .with("input", Field.INPUT)
          .with("instructions", Field.INSTRUCTIONS)
          .with("max_tokens", Field.OUTPUT_LIMIT)
          .with("max_completion_tokens", Field.OUTPUT_LIMIT)
          .with("max_output_tokens", Field.OUTPUT_LIMIT)
          .with("n_predict", Field.OUTPUT_LIMIT)
          .with("keep_alive", Field.KEEP_ALIVE)
          .with("n", Field.CHOICES)
          .with("best_of", Field.CHOICES)
          .with("logprobs", Field.LOGPROBS)
          .with("top_logprobs", Field.TOP_LOGPROBS)
          .with("n_probs", Field.TOP_LOGPROBS)
          .with("user", Field.USER)
          .with("tools", Field.TOOLS)
          .with("web_search_options", Field.SERVER_TOOL)
          .skipping(
              "seed stop temperature frequency_penalty presence_penalty top_p top_k min_p"
                  + " response_format tool_choice parallel_tool_calls functions function_call"
                  + " reasoning reasoning_effort suffix echo dimensions encoding_format metadata"
                  + " logit_bias store modalities audio prediction service_tier"
                  + " previous_response_id conversation include text truncation background"
                  + " max_tool_calls safety_identifier prompt_cache_key _debug_render_only");

  private static final FieldNames ANTHROPIC =
      new FieldNames()
          .with("model", Field.MODEL)
          .with("stream", Field.STREAM)
          .with("messages", Field.MESSAGES)
          .with("system", Field.SYSTEM)
          .with("max_tokens", Field.OUTPUT_LIMIT)
          .with("n_predict", Field.OUTPUT_LIMIT)
          .with("tools", Field.TOOLS)
          .with("mcp_servers", Field.SERVER_TOOL)
          .skipping(
              "temperature top_p top_k stop_sequences tool_choice thinking metadata service_tier"
                  + " container context_management output_config output_format");

  private static final FieldNames ANY = new FieldNames();

  /** Tools that the client runs when the model asks for them, whatever their name. */
  private static final Set<String> CLIENT_TOOLS =
      Set.of("", "function", "custom", "local_shell", "apply_patch", "computer_use_preview");

  private KnownFields() {}

  /** The fields of the body itself. */
  static FieldNames of(Operation operation) {
    return switch (operation.dialect()) {
      case OLLAMA -> OLLAMA;
      case OPENAI -> OPENAI;
      case ANTHROPIC -> ANTHROPIC;
      case PLAIN -> ANY;
    };
  }

  /** True if the name in {@code options} is not one of those that only steer sampling. */
  static boolean isLoadOption(String name) {
    FieldNames.Entry entry = OPTIONS.exact(name);
    return entry == null || entry.field() == Field.LOAD_OPTION;
  }

  /**
   * True if a tool of this type is run by the client; any other type may make the server act, be it
   * known or new.
   */
  static boolean runsAtClient(String type) {
    return CLIENT_TOOLS.contains(type)
        || type.startsWith("bash_")
        || type.startsWith("text_editor_")
        || type.startsWith("computer_2")
        || type.startsWith("memory_");
  }
}
