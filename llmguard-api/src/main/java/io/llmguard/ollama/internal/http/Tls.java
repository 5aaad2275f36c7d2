package io.llmguard.ollama.internal.http;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLParameters;

/** TLS over a channel that does not wait, by the platform's engine. Not thread-safe. */
final class Tls {
  private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

  private final SSLEngine engine;

  /** Records that came; in writing mode. */
  private final ByteBuffer received;

  /** Records that are to go; in reading mode. */
  private final ByteBuffer toSend;

  Tls(SSLContext context, Origin origin) {
    engine = context.createSSLEngine(origin.host(), origin.port());
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    // the name in the certificate is the server's
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    engine.setSSLParameters(parameters);
    int packet = engine.getSession().getPacketBufferSize();
    received = ByteBuffer.allocate(packet);
    toSend = ByteBuffer.allocate(packet).flip();
  }

  int applicationBufferSize() {
    return engine.getSession().getApplicationBufferSize();
  }

  /** Goes on with the handshake: 0 where it is over, else the operation that it waits for. */
  int handshake(SocketChannel channel) throws IOException {
    if (engine.getHandshakeStatus() == SSLEngineResult.HandshakeStatus.NOT_HANDSHAKING
        && engine.getSession().getCipherSuite().endsWith("_NULL_NULL")) {
      engine.beginHandshake();
    }
    while (true) {
      if (!flush(channel)) {
        return SelectionKey.OP_WRITE;
      }
      switch (engine.getHandshakeStatus()) {
        case NEED_TASK -> tasks();
        case NEED_WRAP -> wrap(new ByteBuffer[] {NOTHING});
        case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
          SSLEngineResult result = unwrap(NOTHING);
          if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
            throw new SSLHandshakeException("the server ended the handshake");
          }
          if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW) {
            int count = receive(channel);
            if (count < 0) {
              throw new SSLHandshakeException("the server closed the connection in the handshake");
            }
            if (count == 0) {
              return SelectionKey.OP_READ;
            }
          }
        }
        default -> {
          return 0;
        }
      }
    }
  }

  /** Reads what has come: its count, 0 for nothing yet, -1 at the end. */
  int read(SocketChannel channel, ByteBuffer into) throws IOException {
    while (true) {
      SSLEngineResult result = unwrap(into);
      if (result.bytesProduced() > 0) {
        return result.bytesProduced();
      }
      switch (result.getStatus()) {
        case CLOSED -> {
          return -1;
        }
        case BUFFER_OVERFLOW -> throw new SSLException("a TLS record that is too large");
        case BUFFER_UNDERFLOW -> {
          int count = receive(channel);
          if (count < 0) {
            // anybody on the way can cut a connection; only the server can say that it is done
            throw new EOFException("the connection ended without the end of TLS");
          }
          if (count == 0) {
            return 0;
          }
        }
        case OK -> {
          if (!renewed(channel)) {
            return 0;
          }
        }
      }
    }
  }

  /** What a server may ask for between records: new keys. False while it cannot be told them. */
  private boolean renewed(SocketChannel channel) throws IOException {
    switch (engine.getHandshakeStatus()) {
      case NEED_TASK -> tasks();
      case NEED_WRAP -> {
        if (!flush(channel)) {
          return false;
        }
        wrap(new ByteBuffer[] {NOTHING});
        return flush(channel);
      }
      default -> {
        // the next record is read
      }
    }
    return true;
  }

  /** Sends what can be sent at once; true where all of it was. */
  boolean write(SocketChannel channel, ByteBuffer[] bytes) throws IOException {
    while (flush(channel)) {
      if (!bytes[bytes.length - 1].hasRemaining()) {
        return true;
      }
      SSLEngineResult result = wrap(bytes);
      if (result.bytesConsumed() == 0 && result.bytesProduced() == 0) {
        // a second handshake, of TLS before 1.3, would have to be waited for
        throw new SSLException("the server asks for a new handshake in the middle of a request");
      }
    }
    return false;
  }

  private int receive(SocketChannel channel) throws IOException {
    if (!received.hasRemaining()) {
      throw new SSLException("a TLS record that is too large");
    }
    return channel.read(received);
  }

  private void tasks() {
    for (Runnable task = engine.getDelegatedTask();
        task != null;
        task = engine.getDelegatedTask()) {
      task.run();
    }
  }

  private SSLEngineResult unwrap(ByteBuffer into) throws SSLException {
    received.flip();
    try {
      return engine.unwrap(received, into);
    } finally {
      received.compact();
    }
  }

  private SSLEngineResult wrap(ByteBuffer[] bytes) throws SSLException {
    toSend.clear();
    try {
      SSLEngineResult result = engine.wrap(bytes, toSend);
      if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
        throw new SSLException("the server has closed the TLS session");
      }
      return result;
    } finally {
      toSend.flip();
    }
  }

  private boolean flush(SocketChannel channel) throws IOException {
    if (toSend.hasRemaining()) {
      channel.write(toSend);
    }
    return !toSend.hasRemaining();
  }
}
