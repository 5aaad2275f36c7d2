/**
 * What the tests of every module share: recorded answers, an upstream that replays them and
 * misbehaves on demand, and a client that speaks (also broken) HTTP/1.1 byte by byte.
 */
@NullMarked
package io.llmguard.testkit;

import org.jspecify.annotations.NullMarked;
