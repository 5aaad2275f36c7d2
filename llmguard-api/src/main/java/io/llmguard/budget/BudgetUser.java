package io.llmguard.budget;

import io.llmguard.auth.Caller;
import io.llmguard.wire.Call;

/** Who the user of a call is, for budgets and records. */
public enum BudgetUser {
  /** To whom the credential was given: a token's subject, a key's owner; else the caller itself. */
  SUBJECT {
    @Override
    String of(Caller caller, Call call) {
      String owner = caller.owner();
      return owner == null ? caller.id() : owner;
    }
  },
  /**
   * What the call itself says in {@code user}, apart for each caller, so that nobody spends what is
   * meant for another's users. Calls that say nothing count together. A caller may make names up:
   * beside such a budget it needs one of its own.
   */
  FIELD {
    @Override
    String of(Caller caller, Call call) {
      String said = call.details().user();
      String name = said == null ? "" : said;
      return caller.id() + '/' + (name.length() > LONGEST ? name.substring(0, LONGEST) : name);
    }
  };

  private static final int LONGEST = 200;

  abstract String of(Caller caller, Call call);
}
