package io.llmguard.testkit;

import io.llmguard.testkit.ReceivedRequest.Cancellation;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PushbackInputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;

/**
 * One connection of the upstream. Its own thread reads; while a second one writes an answer, the
 * first waits for the next byte, and so sees the client leave the moment it does.
 */
final class UpstreamConnection implements Runnable {
  private final ReplayUpstream upstream;
  private final Socket socket;
  private final int number;

  UpstreamConnection(ReplayUpstream upstream, Socket socket, int number) {
    this.upstream = upstream;
    this.socket = socket;
    this.number = number;
  }

  @Override
  public void run() {
    try (socket) {
      socket.setTcpNoDelay(true);
      PushbackInputStream in =
          new PushbackInputStream(new BufferedInputStream(socket.getInputStream(), 1 << 16));
      while (exchange(in)) {
        // one request and its answer each time round
      }
    } catch (IOException e) {
      // a client that resets an idle connection, or a closed upstream: nobody waits for an answer
    }
  }

  /** Serves one request; false where the connection is to be closed. */
  private boolean exchange(PushbackInputStream in) throws IOException {
    String line = Wire.line(in);
    if (line == null) {
      return false;
    }
    String[] parts = line.split(" ", 3);
    List<Header> headers = Wire.headers(in);
    boolean unread = upstream.leavesBodyUnread(parts[0], parts[1]);
    if (!unread && Wire.first(headers, "Expect").isPresent()) {
      socket
          .getOutputStream()
          .write("HTTP/1.1 100 Continue\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    }
    ReceivedBody body =
        unread
            ? ReceivedBody.unread()
            : ReceivedBody.read(BodyReader.ofRequest(in, headers), upstream::bodyBytes);
    ReceivedRequest request = new ReceivedRequest(number, parts[0], parts[1], headers, body);
    upstream.received(request);
    if (!unread && !body.complete()) {
      upstream.cancelled(request, new Cancellation(System.nanoTime(), 0, false));
      return false;
    }
    Answering answering = new Answering(request, upstream.answerTo(request));
    ReplayUpstream.daemon(Thread.currentThread().getName() + "-writer", answering);
    boolean left = !unread && clientLeft(in, answering);
    return answering.finished() && !left && !unread;
  }

  /** Waits for the next request's first byte or the client's end, whichever comes. */
  private boolean clientLeft(PushbackInputStream in, Answering answering) {
    boolean reset = false;
    try {
      int next = in.read();
      if (next >= 0) {
        in.unread(next);
        return false;
      }
    } catch (IOException e) {
      reset = true;
    }
    answering.clientLeft(reset);
    return true;
  }

  /** Writes one answer, on a thread of its own. */
  private final class Answering implements Runnable {
    private final ReceivedRequest request;
    private final Answer answer;
    private final CompletableFuture<Void> gone = new CompletableFuture<>();

    /** True: the connection may be used again. */
    private final CompletableFuture<Boolean> done = new CompletableFuture<>();

    private volatile boolean ended;

    Answering(ReceivedRequest request, Answer answer) {
      this.request = request;
      this.answer = answer;
    }

    @Override
    public void run() {
      try {
        OutputStream out = socket.getOutputStream();
        for (Answer.Step step : answer.steps()) {
          if (gone.isDone() || !perform(step, out)) {
            done.complete(false);
            return;
          }
        }
        done.complete(true);
      } catch (IOException | CompletionException e) {
        done.complete(false);
      }
    }

    boolean finished() {
      return done.join();
    }

    /** The reader saw the end of the stream; it counts where the answer was not finished. */
    void clientLeft(boolean reset) {
      long now = System.nanoTime();
      gone.complete(null);
      // the last write may just be returning: only the writer knows whether anything was left
      if (!done.join() && !ended) {
        upstream.cancelled(request, new Cancellation(now, request.written(), reset));
      }
    }

    private boolean perform(Answer.Step step, OutputStream out) throws IOException {
      if (step instanceof Answer.Write write) {
        write(out, write.bytes());
      } else if (step instanceof Answer.Repeat repeat) {
        for (long i = 0; i < repeat.times(); i++) {
          if (gone.isDone()) {
            return false;
          }
          write(out, repeat.bytes());
        }
      } else if (step instanceof Answer.Await await) {
        CompletableFuture.anyOf(await.gate().arrive(), gone).join();
        return !gone.isDone();
      } else if (step instanceof Answer.Pause pause) {
        LockSupport.parkNanos(pause.time().toNanos());
      } else if (step instanceof Answer.Silence) {
        gone.join();
        return false;
      } else if (step instanceof Answer.End end) {
        ended = true;
        if (end.reset()) {
          socket.setSoLinger(true, 0);
          socket.close();
        } else {
          socket.shutdownOutput();
        }
        return false;
      }
      return true;
    }

    private void write(OutputStream out, byte[] bytes) throws IOException {
      out.write(bytes);
      request.wrote(bytes.length);
    }
  }
}
