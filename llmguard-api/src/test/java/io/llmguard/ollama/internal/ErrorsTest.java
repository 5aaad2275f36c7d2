package io.llmguard.ollama.internal;

import static org.assertj.core.api.Assertions.assertThat;

import io.llmguard.ollama.OllamaException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpHeaders;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateException;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.CompletionException;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ErrorsTest {
  private static final URI SERVER = URI.create("https://ollama.example");

  private static OllamaException notFound(String body) {
    return Errors.status(
        404,
        HttpHeaders.of(Map.of(), (name, value) -> true),
        body.getBytes(StandardCharsets.UTF_8),
        Instant.EPOCH);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"error\":\"model 'nope' not found\"}",
        "{\"error\":\"model \\\"nope\\\" not found, try pulling it first\"}",
        "{\"error\":\"pull model manifest: file does not exist\"}",
        "{\"error\":{\"message\":\"The model `nope` does not exist.\",\"type\":\"NotFoundError\"}}"
      })
  void a404AboutAModelIsAMissingModel(String body) {
    assertThat(notFound(body)).isInstanceOf(OllamaException.ModelNotFound.class);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"error\":\"not found\"}",
        "{\"error\":{\"code\":404,\"message\":\"File Not Found\",\"type\":\"not_found_error\"}}",
        "{\"detail\":\"Not Found\"}",
        "{\"title\":\"no such endpoint\",\"detail\":\"/v1/modelling is not found here\"}",
        "{}",
        "404 page not found"
      })
  void a404AboutAnythingElseIsABadRequest(String body) {
    assertThat(notFound(body)).isInstanceOf(OllamaException.BadRequest.class);
  }

  @Test
  void onlyAFailedHandshakeIsAServerThatDidNothing() {
    assertThat(Errors.beforeHead(new SSLHandshakeException("no"), SERVER))
        .isInstanceOf(OllamaException.Unreachable.class);
    assertThat(Errors.beforeHead(new SSLPeerUnverifiedException("no"), SERVER))
        .isInstanceOf(OllamaException.Unreachable.class);
    // the request may have arrived, and been carried out
    assertThat(
            Errors.beforeHead(new CompletionException(new SSLException("closing inbound")), SERVER))
        .isInstanceOf(OllamaException.Truncated.class);
  }

  @Test
  void aRefusedCertificateIsKnown() {
    SSLHandshakeException untrusted = new SSLHandshakeException("no path");
    untrusted.initCause(new CertificateException("no path"));
    assertThat(Errors.certificateRefused(Errors.beforeHead(untrusted, SERVER))).isTrue();
    assertThat(
            Errors.certificateRefused(
                Errors.beforeHead(new SSLPeerUnverifiedException("other name"), SERVER)))
        .isTrue();
    assertThat(
            Errors.certificateRefused(
                Errors.beforeHead(new SSLHandshakeException("ended by the other side"), SERVER)))
        .isFalse();
    assertThat(
            Errors.certificateRefused(Errors.beforeHead(new ConnectException("refused"), SERVER)))
        .isFalse();
  }

  @Test
  void aPortThatTheUrlLeavesOutIsTheSchemes() {
    assertThat(Errors.beforeHead(new IOException("gone"), SERVER))
        .hasMessageContaining("ollama.example:443");
    assertThat(Errors.beforeHead(new ConnectException("refused"), URI.create("http://ollama/x")))
        .hasMessageContaining("ollama:80: refused");
    assertThat(Errors.beforeHead(new ConnectException("refused"), URI.create("http://[::1]:11434")))
        .hasMessageContaining("[::1]:11434");
  }
}
