package io.llmguard.benchmark;

import io.llmguard.benchmark.load.LoadProtocol;
import io.llmguard.benchmark.load.LoadResult;
import io.llmguard.benchmark.load.Plan;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Runs loads against systems, round by round, and keeps what was measured. */
final class Bench {
  private final Child generator;
  private final Child upstream;
  private final Duration streamTime;

  /**
   * A bench.
   *
   * @param streamTime how long a paced stream takes
   */
  Bench(Child generator, Child upstream, Duration streamTime) {
    this.generator = generator;
    this.upstream = upstream;
    this.streamTime = streamTime;
  }

  /** Loads a system without keeping what is measured. */
  void warmUp(Subject subject, Workload workload, Duration time) throws IOException {
    measure(subject, workload, Duration.ZERO, time);
  }

  /** Measures each system once a round, one after the other, so that drift hits all alike. */
  Map<Subject, List<Sample>> rounds(
      List<Subject> subjects, Workload workload, int rounds, Duration settle, Duration time)
      throws IOException {
    Map<Subject, List<Sample>> samples = new LinkedHashMap<>();
    for (int round = 0; round < rounds; round++) {
      for (Subject subject : subjects) {
        Sample sample = measure(subject, workload, settle, time);
        samples.computeIfAbsent(subject, s -> new ArrayList<>()).add(sample);
      }
    }
    return samples;
  }

  private Sample measure(Subject subject, Workload workload, Duration settle, Duration time)
      throws IOException {
    Duration ramp = workload.staggered() ? streamTime : Duration.ZERO;
    Plan plan =
        new Plan(
            subject.port(),
            workload.payload(),
            workload.connections(),
            ramp,
            ramp.plus(settle),
            time);
    List<Long> own = subject instanceof Nginx nginx ? nginx.ownPids() : subject.pids();
    List<Long> known = new ArrayList<>(subject.pids());
    known.addAll(generator.pids());
    known.addAll(upstream.pids());
    known.add(ProcessHandle.current().pid());
    Clock before = new Clock();
    LoadResult load =
        LoadProtocol.run(
            plan, generator.in(), generator.out(), () -> before.read(subject.pids(), own, known));
    Clock after = new Clock();
    after.read(subject.pids(), own, known);
    double strangers = after.machine - before.machine - (after.known - before.known);
    double capacity = load.seconds() * Runtime.getRuntime().availableProcessors();
    return new Sample(
        load,
        after.subject - before.subject,
        after.own - before.own,
        Proc.residentMiB(subject.pids()),
        Math.max(0, strangers) / capacity);
  }

  /** CPU seconds at one moment. */
  private static final class Clock {
    private double subject;
    private double own;
    private double known;
    private double machine;

    void read(List<Long> subjectPids, List<Long> ownPids, List<Long> knownPids) {
      subject = Proc.cpuSeconds(subjectPids);
      own = Proc.cpuSeconds(ownPids);
      known = Proc.cpuSeconds(knownPids);
      machine = Proc.machineCpuSeconds();
    }
  }
}
