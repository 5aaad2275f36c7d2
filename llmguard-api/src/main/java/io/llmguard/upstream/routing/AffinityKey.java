package io.llmguard.upstream.routing;

/** By what calls are kept at one deployment, in whose cache their prompt's beginning is. */
public enum AffinityKey {
  /** By caller, model, system prompt and first user message: each conversation apart. */
  CONVERSATION,
  /**
   * By model and system prompt, whoever calls, so that callers who share a long system prompt share
   * its place in a server's cache. Calls without a system prompt go by their conversation. Nothing
   * passes between callers but where a call goes, and so perhaps how soon its answer begins. A
   * deployment that has many more calls than another is passed over, so that one prompt that
   * everybody uses does not end up at one server.
   */
  PREFIX
}
