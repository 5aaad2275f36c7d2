package io.llmguard.inspect.internal;

import io.llmguard.inspect.ResponseInspector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An inspector at work on one answer.
 *
 * @param name the inspector's name
 * @param answer what it opened
 * @param shadow true if nothing comes of what it says
 */
public record Inspecting(String name, ResponseInspector.Answer answer, boolean shadow) {
  private static final Logger log = LoggerFactory.getLogger(Inspecting.class);

  /** Says that an inspector in shadow mode has failed, which hurts nobody. */
  void failed(RuntimeException e) {
    // the class only: a message may hold what the answer says
    log.error("inspector {} failed in shadow mode: {}", name, e.getClass().getName());
  }
}
