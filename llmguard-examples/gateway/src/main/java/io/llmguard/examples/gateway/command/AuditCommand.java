package io.llmguard.examples.gateway.command;

import picocli.CommandLine.Command;

/** {@code audit}: what administrators do with the audit trail. */
@Command(
    name = "audit",
    description = "Verifies and shows the audit trail.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {AuditVerifyCommand.class, AuditTailCommand.class})
public final class AuditCommand {
  AuditCommand() {}
}
