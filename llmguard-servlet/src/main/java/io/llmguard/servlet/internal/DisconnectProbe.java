package io.llmguard.servlet.internal;

import jakarta.servlet.http.HttpServletRequest;

/** Notices that a client has left while nothing is read from it or written to it. */
public interface DisconnectProbe {
  /** A probe for containers that offer none: what has left is noticed at the next write. */
  DisconnectProbe NONE = (request, gone) -> Watch.NONE;

  /**
   * Begins to watch the client of a request whose body has been read.
   *
   * @param gone run at most once, on any thread, and not after {@link Watch#stop} has returned
   *     unless it was running
   */
  Watch watch(HttpServletRequest request, Runnable gone);

  /** A client under watch. */
  interface Watch {
    /** Nobody is watched. */
    Watch NONE = () -> {};

    /** Ends the watch; the connection is the container's own again when this returns. */
    void stop();
  }
}
