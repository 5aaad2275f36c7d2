package io.llmguard.metrics;

import java.util.Arrays;

/** Statuses as tags: those that are to be expected one by one, the others by class. */
final class StatusTag {
  private static final int[] KNOWN = {
    200, 201, 204, 206, 301, 302, 304, 308, 400, 401, 402, 403, 404, 405, 408, 409, 413, 415, 421,
    422, 429, 431, 499, 500, 501, 502, 503, 504
  };

  /** How many different ones there are. */
  static final int COUNT = KNOWN.length + 6;

  private StatusTag() {}

  static int indexOf(int status) {
    int known = Arrays.binarySearch(KNOWN, status);
    if (known >= 0) {
      return known;
    }
    return KNOWN.length + (status >= 100 && status <= 599 ? status / 100 : 0);
  }

  static String textOf(int index) {
    if (index < KNOWN.length) {
      return Integer.toString(KNOWN[index]);
    }
    int group = index - KNOWN.length;
    return group == 0 ? "other" : group + "xx";
  }
}
