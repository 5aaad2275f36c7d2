package io.llmguard.ollama.internal;

import java.lang.reflect.InvocationTargetException;
import java.net.http.HttpClient;

/** Closes the platform's HTTP client where the platform can: from Java 21 on. */
final class HttpClients {
  private HttpClients() {}

  static void close(HttpClient client) {
    try {
      HttpClient.class.getMethod("shutdownNow").invoke(client);
    } catch (NoSuchMethodException e) {
      // before Java 21 its selector thread ends by itself once nobody refers to the client
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalStateException("the platform's HTTP client cannot be closed", e);
    }
  }
}
