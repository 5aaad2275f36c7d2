package io.llmguard.examples.client;

import io.llmguard.ollama.Credential;
import io.llmguard.ollama.OllamaClient;

/** Where the programs' client comes from: a gateway wants a key, a server alone does not. */
final class Connect {
  private Connect() {}

  /** With the key that the environment holds, if it holds one. */
  static OllamaClient to(String url) {
    OllamaClient.Builder builder = OllamaClient.builder().baseUrl(url);
    String key = System.getenv("LLMGUARD_API_KEY");
    return key == null ? builder.build() : builder.credential(Credential.bearer(key)).build();
  }
}
