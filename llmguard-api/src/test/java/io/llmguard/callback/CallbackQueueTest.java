package io.llmguard.callback;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CallbackQueueTest {
  @TempDir private Path folder;

  /** Takes reports by their number, unless it is down. */
  private static class Target implements CallbackTarget {
    final List<Integer> taken = new ArrayList<>();
    final List<Integer> sizes = new ArrayList<>();
    boolean down;
    boolean closed;
    int tries;

    @Override
    public String name() {
      return "target";
    }

    @Override
    public String encode(CallReport report) {
      return Integer.toString(Integer.parseInt(report.event().id(), 16));
    }

    @Override
    public int maxBatchLength() {
      return 20;
    }

    @Override
    public int send(List<String> reports) throws IOException {
      synchronized (this) {
        tries++;
        notifyAll();
        if (down) {
          throw new CallbackException("down");
        }
        reports.forEach(report -> taken.add(Integer.parseInt(report)));
        sizes.add(reports.size());
        return 0;
      }
    }

    synchronized void down(boolean value) {
      down = value;
    }

    synchronized void await(int reports) throws InterruptedException {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (taken.size() < reports && System.nanoTime() < deadline) {
        TimeUnit.NANOSECONDS.timedWait(this, deadline - System.nanoTime());
      }
      assertThat(taken).hasSize(reports);
    }

    synchronized void awaitTries(int count) throws InterruptedException {
      long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
      while (tries < count && System.nanoTime() < deadline) {
        TimeUnit.NANOSECONDS.timedWait(this, deadline - System.nanoTime());
      }
      assertThat(tries).isGreaterThanOrEqualTo(count);
    }

    @Override
    public synchronized void close() {
      closed = true;
    }
  }

  private CallbackQueue.Builder queue(CallbackTarget target) {
    return CallbackQueue.to(target, folder.resolve("spool"))
        .linger(Duration.ofMillis(1))
        .retryFirst(Duration.ofMillis(5))
        .retryAtMost(Duration.ofMillis(20));
  }

  private static List<Integer> upTo(int count) {
    return IntStream.range(0, count).boxed().toList();
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("spool"))) {
      return files.sorted().toList();
    }
  }

  @Test
  void everyReportIsSentOnceInOrderAndInPiecesOfTheTargetsSize() throws Exception {
    Target target = new Target();
    try (CallbackQueue queue = queue(target).open()) {
      upTo(500).forEach(i -> queue.ended(Reports.ok(i)));
      target.await(500);
    }
    assertThat(target.taken).isEqualTo(upTo(500));
    // "123," five times
    assertThat(target.sizes).allMatch(size -> size <= 10);
    assertThat(target.closed).isTrue();
    assertThat(files()).isEmpty();
  }

  @Test
  void whatCannotBeSentWaitsOnDiskForItsOwnerOnlyAndGoesInOrder() throws Exception {
    Target target = new Target();
    target.down(true);
    CallbackQueue queue = queue(target).open();
    try (queue) {
      upTo(100).forEach(i -> queue.ended(Reports.ok(i)));
      target.awaitTries(3);
      assertThat(queue.state().failing()).isEqualTo("down");
      assertThat(files()).isNotEmpty();
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(files().get(0))))
          .isEqualTo("rw-------");
      target.down(false);
      target.await(100);
      queue.ended(Reports.ok(100));
      target.await(101);
    }
    assertThat(queue.state().failing()).isNull();
    assertThat(queue.state().sent()).isEqualTo(101);
    assertThat(queue.state().dropped()).isZero();
    assertThat(target.taken).isEqualTo(upTo(101));
    assertThat(files()).isEmpty();
  }

  @Test
  void theNextProcessSendsWhatTheLastOneCouldNot() throws Exception {
    Target down = new Target();
    down.down(true);
    try (CallbackQueue queue = queue(down).open()) {
      upTo(10).forEach(i -> queue.ended(Reports.ok(i)));
    }
    assertThat(files()).isNotEmpty();
    // a line that a crash has cut
    Files.writeString(files().get(files().size() - 1), "99", StandardOpenOption.APPEND);
    Target up = new Target();
    try (CallbackQueue queue = queue(up).open()) {
      queue.ended(Reports.ok(10));
      up.await(11);
    }
    assertThat(up.taken).isEqualTo(upTo(11));
  }

  @Test
  void aCallNeverWaitsAndWhatFindsNoRoomIsCounted() throws Exception {
    CountDownLatch stuck = new CountDownLatch(1);
    CountDownLatch free = new CountDownLatch(1);
    Target target =
        new Target() {
          @Override
          public int send(List<String> reports) throws IOException {
            stuck.countDown();
            try {
              assertThat(free.await(20, TimeUnit.SECONDS)).isTrue();
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
            return super.send(reports);
          }
        };
    try (CallbackQueue queue = queue(target).capacity(5).batch(1).open()) {
      queue.ended(Reports.ok(0));
      assertThat(stuck.await(20, TimeUnit.SECONDS)).isTrue();
      upTo(20).forEach(i -> queue.ended(Reports.ok(1 + i)));
      assertThat(queue.state().dropped()).isEqualTo(15);
      free.countDown();
      target.await(6);
    }
  }

  @Test
  void theDiskIsNotFilled() throws Exception {
    Target target = new Target();
    target.down(true);
    CallbackQueue queue = queue(target).maxSpoolBytes(10).open();
    upTo(50).forEach(i -> queue.ended(Reports.ok(i)));
    queue.close();
    assertThat(queue.state().dropped()).isGreaterThan(40);
    long bytes = 0;
    for (Path file : files()) {
      bytes += Files.size(file);
    }
    assertThat(bytes).isLessThanOrEqualTo(10);
  }
}
