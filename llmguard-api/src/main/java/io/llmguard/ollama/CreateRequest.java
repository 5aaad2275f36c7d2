package io.llmguard.ollama;

import io.llmguard.ollama.internal.Values;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A call of {@code /api/create}.
 *
 * @param model the model's name
 * @param from the model to start from
 * @param files file names and the digests of their blobs
 * @param draftFiles file names of a draft model and the digests of their blobs
 * @param adapters LoRA adapters: file names and digests
 * @param template the prompt template
 * @param license the licences' texts
 * @param system the system text
 * @param parameters options that become the model's own
 * @param messages messages before every chat
 * @param quantize the quantisation, as {@code q4_K_M}
 * @param remoteHost where a remote model runs
 * @param renderer the renderer of prompts
 * @param parser the parser of answers
 * @param requires the least version of Ollama
 * @param info more about the model, by the server's names
 * @param extra fields that this version does not know, sent as they are
 */
public record CreateRequest(
    String model,
    @Nullable String from,
    Map<String, String> files,
    Map<String, String> draftFiles,
    Map<String, String> adapters,
    @Nullable String template,
    List<String> license,
    @Nullable String system,
    @Nullable Options parameters,
    List<Message> messages,
    @Nullable String quantize,
    @Nullable String draftQuantize,
    @Nullable String remoteHost,
    @Nullable String renderer,
    @Nullable String parser,
    @Nullable String requires,
    Map<String, @Nullable Object> info,
    Map<String, @Nullable Object> extra) {
  /** Copies what can change. */
  public CreateRequest {
    files = Values.texts(files);
    adapters = Values.texts(adapters);
    license = List.copyOf(license);
    messages = List.copyOf(messages);
    draftFiles = Values.texts(draftFiles);
    info = Values.map(info);
    extra = Values.map(extra);
  }

  /** Starts a request; everything else is optional. */
  public static Builder builder(String model) {
    return new Builder(model);
  }

  /** Without any text of the prompt. */
  @Override
  public String toString() {
    return "CreateRequest[model=" + model + ", from=" + from + "]";
  }

  /** Collects the fields. Not thread-safe. */
  public static final class Builder {
    private final String model;
    private @Nullable String from;
    private Map<String, String> files = Map.of();
    private Map<String, String> draftFiles = Map.of();
    private Map<String, String> adapters = Map.of();
    private @Nullable String template;
    private List<String> license = List.of();
    private @Nullable String system;
    private @Nullable Options parameters;
    private List<Message> messages = List.of();
    private @Nullable String quantize;
    private @Nullable String draftQuantize;
    private @Nullable String remoteHost;
    private @Nullable String renderer;
    private @Nullable String parser;
    private @Nullable String requires;
    private Map<String, @Nullable Object> info = Map.of();
    private Map<String, @Nullable Object> extra = Map.of();

    private Builder(String model) {
      this.model = model;
    }

    /** Sets from: the model to start from. */
    public Builder from(String from) {
      this.from = from;
      return this;
    }

    /** Sets files: file names and the digests of their blobs. */
    public Builder files(Map<String, String> files) {
      this.files = files;
      return this;
    }

    /** Sets draftFiles: file names of a draft model and the digests of their blobs. */
    public Builder draftFiles(Map<String, String> draftFiles) {
      this.draftFiles = draftFiles;
      return this;
    }

    /** Sets adapters: LoRA adapters: file names and digests. */
    public Builder adapters(Map<String, String> adapters) {
      this.adapters = adapters;
      return this;
    }

    /** Sets template: the prompt template. */
    public Builder template(String template) {
      this.template = template;
      return this;
    }

    /** Sets license: the licences' texts. */
    public Builder license(List<String> license) {
      this.license = license;
      return this;
    }

    /** Sets system: the system text. */
    public Builder system(String system) {
      this.system = system;
      return this;
    }

    /** Sets parameters: options that become the model's own. */
    public Builder parameters(Options parameters) {
      this.parameters = parameters;
      return this;
    }

    /** Sets messages: messages before every chat. */
    public Builder messages(List<Message> messages) {
      this.messages = messages;
      return this;
    }

    /** Sets quantize: the quantisation, as {@code q4_K_M}. */
    public Builder quantize(String quantize) {
      this.quantize = quantize;
      return this;
    }

    /** Sets draftQuantize: the quantisation of the draft model. */
    public Builder draftQuantize(String draftQuantize) {
      this.draftQuantize = draftQuantize;
      return this;
    }

    /** Sets remoteHost: where a remote model runs. */
    public Builder remoteHost(String remoteHost) {
      this.remoteHost = remoteHost;
      return this;
    }

    /** Sets renderer: the renderer of prompts. */
    public Builder renderer(String renderer) {
      this.renderer = renderer;
      return this;
    }

    /** Sets parser: the parser of answers. */
    public Builder parser(String parser) {
      this.parser = parser;
      return this;
    }

    /** Sets requires: the least version of Ollama. */
    public Builder requires(String requires) {
      this.requires = requires;
      return this;
    }

    /** Sets info: more about the model, by the server's names. */
    public Builder info(Map<String, @Nullable Object> info) {
      this.info = info;
      return this;
    }

    /** Sets extra: fields that this version does not know, sent as they are. */
    public Builder extra(Map<String, @Nullable Object> extra) {
      this.extra = extra;
      return this;
    }

    /** The request. */
    public CreateRequest build() {
      return new CreateRequest(
          model,
          from,
          files,
          draftFiles,
          adapters,
          template,
          license,
          system,
          parameters,
          messages,
          quantize,
          draftQuantize,
          remoteHost,
          renderer,
          parser,
          requires,
          info,
          extra);
    }
  }
}
