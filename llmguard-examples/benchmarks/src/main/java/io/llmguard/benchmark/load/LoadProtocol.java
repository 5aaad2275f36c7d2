package io.llmguard.benchmark.load;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.Writer;

/**
 * How the benchmark talks to its load generator: a line with a plan in; {@code measuring} when the
 * measured time begins, then {@code result …} out.
 */
public final class LoadProtocol {
  private static final String MEASURING = "measuring";
  private static final String RESULT = "result ";
  private static final String ERROR = "error ";

  private LoadProtocol() {}

  /** Runs each plan that comes, until the input ends. */
  public static void serve(BufferedReader plans, PrintStream out, String apiKey)
      throws IOException {
    for (String line = plans.readLine(); line != null; line = plans.readLine()) {
      LoadGenerator generator = new LoadGenerator(Plan.parse(line), apiKey);
      LoadResult result = generator.run(() -> out.println(MEASURING));
      if (result.errors() > 0) {
        out.println(ERROR + result.errors() + " times, first: " + generator.firstError());
      } else {
        out.println(RESULT + result.line());
      }
    }
  }

  /**
   * Has a plan run by a generator in another process.
   *
   * @param onMeasure called when the measured time begins
   * @throws IOException where an answer was not right, or the generator died
   */
  public static LoadResult run(
      Plan plan, Writer toGenerator, BufferedReader fromGenerator, Runnable onMeasure)
      throws IOException {
    toGenerator.write(plan.line() + "\n");
    toGenerator.flush();
    for (String line = fromGenerator.readLine(); line != null; line = fromGenerator.readLine()) {
      if (line.equals(MEASURING)) {
        onMeasure.run();
      } else if (line.startsWith(RESULT)) {
        return LoadResult.parse(line.substring(RESULT.length()));
      } else if (line.startsWith(ERROR)) {
        throw new IOException(plan + ": " + line);
      }
    }
    throw new IOException("the load generator ended");
  }
}
