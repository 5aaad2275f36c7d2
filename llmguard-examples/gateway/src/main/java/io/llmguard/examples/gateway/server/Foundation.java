package io.llmguard.examples.gateway.server;

import io.llmguard.audit.AuditStage;
import io.llmguard.examples.gateway.KeyStores;
import io.llmguard.key.KeyDirectory;
import io.llmguard.limit.RateLimitStore;

/**
 * What stays while settings change: stores, counters, the trail, the way to the upstreams.
 *
 * @param stores where keys and spend are kept
 * @param keys the keys, in memory
 * @param counters where limits are counted
 * @param spending the ledger, and the budgets of the first settings
 * @param trail the audit trail
 * @param metering the metrics
 * @param callbacks tells others of calls and of alerts
 * @param upstreams the servers, and the proxy in front of them
 */
record Foundation(
    KeyStores stores,
    KeyDirectory keys,
    RateLimitStore counters,
    Spending spending,
    AuditStage trail,
    Metering metering,
    Callbacks callbacks,
    Upstreams upstreams) {}
