package io.llmguard.benchmark;

import java.util.List;

/** A system under test: what stands between the load generator and the upstream. */
interface Subject extends AutoCloseable {
  /** Its name in the table. */
  String name();

  /** The port that takes the load, on the loopback address. */
  int port();

  /** The processes whose CPU and memory count as its own. */
  List<Long> pids();

  @Override
  void close();

  /** No system at all: the upstream itself. */
  record Direct(int port) implements Subject {
    @Override
    public String name() {
      return "direct";
    }

    @Override
    public List<Long> pids() {
      return List.of();
    }

    @Override
    public void close() {}
  }

  /** A program that is one process, and those that it starts. */
  record Program(String name, int port, Child process) implements Subject {
    @Override
    public List<Long> pids() {
      return process.pids();
    }

    @Override
    public void close() {
      process.close();
    }
  }
}
