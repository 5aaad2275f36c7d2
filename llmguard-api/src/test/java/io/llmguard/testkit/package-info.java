/** What the tests of all modules share: requests, clocks, upstreams that replay, contracts. */
@NullMarked
package io.llmguard.testkit;

import org.jspecify.annotations.NullMarked;
