package io.llmguard.upstream.routing;

/**
 * What a deployment took in the current minute of the clock; used under the router's lock.
 *
 * <p>A call counts in the minute in which it begins, its tokens in the one in which it ends, and
 * until then by an estimate.
 */
final class MinuteWindow {
  private long minute;
  private long tokens;
  private long requests;
  private long pending;

  private void turn(long now) {
    if (now != minute) {
      minute = now;
      tokens = 0;
      requests = 0;
    }
  }

  void begin(long now, long estimate) {
    turn(now);
    requests++;
    pending += estimate;
  }

  void end(long now, long estimate, long used) {
    turn(now);
    pending -= estimate;
    tokens += used;
  }

  long tokens(long now) {
    turn(now);
    return tokens + pending;
  }

  long requests(long now) {
    turn(now);
    return requests;
  }
}
