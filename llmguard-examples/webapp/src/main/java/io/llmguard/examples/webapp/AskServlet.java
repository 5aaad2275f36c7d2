package io.llmguard.examples.webapp;

import io.llmguard.ollama.ChatRequest;
import io.llmguard.ollama.ChatResponse;
import io.llmguard.ollama.OllamaClient;
import io.llmguard.ollama.OllamaException;
import jakarta.servlet.http.HttpServlet;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.Writer;
import org.jspecify.annotations.Nullable;

/** Answers the question in the body as plain text, as it comes; it knows nothing of guards. */
public final class AskServlet extends HttpServlet {
  private static final long serialVersionUID = 1L;
  private static final String MODEL = "gemma3:270m";

  private transient @Nullable OllamaClient client;

  @Override
  public void init() {
    client = OllamaClient.create(Settings.ollama());
  }

  @Override
  protected void doPost(HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    OllamaClient ollama = client;
    if (ollama == null) {
      response.sendError(HttpServletResponse.SC_SERVICE_UNAVAILABLE);
      return;
    }
    char[] question = new char[2000];
    int length = request.getReader().read(question);
    if (length <= 0) {
      response.sendError(HttpServletResponse.SC_BAD_REQUEST, "a question is missing");
      return;
    }
    response.setContentType("text/plain;charset=UTF-8");
    response.setHeader("X-Asked-By", request.getRemoteUser());
    Writer out = response.getWriter();
    try (var answer = ollama.chatStream(ChatRequest.of(MODEL, new String(question, 0, length)))) {
      for (ChatResponse piece : answer) {
        out.write(piece.text());
        response.flushBuffer();
      }
    } catch (OllamaException e) {
      if (!response.isCommitted()) {
        response.sendError(HttpServletResponse.SC_BAD_GATEWAY, "there is no answer");
      }
    }
  }

  @Override
  public void destroy() {
    if (client != null) {
      client.close();
    }
  }
}
