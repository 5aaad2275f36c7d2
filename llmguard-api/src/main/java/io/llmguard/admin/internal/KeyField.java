package io.llmguard.admin.internal;

import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * A field of the requests that make and change keys, and what is done with it.
 *
 * @param name the field's name
 * @param treatment what is done when it says something
 * @param note what it does, or why it does nothing
 */
public record KeyField(String name, Treatment treatment, String note) {
  /** What is done with a field that says something; null, false, 0 and empty values never do. */
  public enum Treatment {
    /** It is done. */
    DONE,
    /** It has no effect, protects nothing, and is listed in the answer's warnings. */
    WARNED,
    /** It would protect something and does not here: the request is refused by its name. */
    REFUSED
  }

  /** Every field that is known; any other is refused. */
  public static final List<KeyField> ALL =
      List.of(
          done("key", "which key to change: its id, its hash or the key itself"),
          done("key_alias", "the name for people; unique"),
          done("duration", "the expiry: 30s, 30m, 30h, 30d, 1mo; -1 for never"),
          done("models", "models that the key may name, * for any characters; empty for all"),
          done("user_id", "to whom the key is given"),
          done("team_id", "the team that it belongs to"),
          done("max_budget", "what it may spend in each budget_duration, in USD"),
          done("budget_duration", "the window of max_budget: 1h, 1d, 1w, 1mo"),
          done("soft_budget", "from how much of it spent an alert is given, in USD"),
          done(
              "budget_limits",
              "further budgets, which all hold: a list of budget_duration with max_budget, or with"
                  + " tokens"),
          done(
              "model_max_budget",
              "budgets for single models, beside the others: by name, * for any characters,"
                  + " budget_limit in USD and time_period"),
          done("rpm_limit", "requests a minute"),
          done("tpm_limit", "tokens a minute"),
          done("model_rpm_limit", "requests a minute for each named model"),
          done("max_parallel_requests", "calls at once"),
          done("metadata", "kept as it is, at most 16,384 characters of JSON"),
          done("tags", "kept in metadata.tags"),
          done("blocked", "true refuses the key until it is unblocked"),
          done("key_type", "llm_api and default: the default scopes; read_only: models:read"),
          done(
              "grace_period",
              "how long the replaced key still works; for /key/regenerate, and refused while the"
                  + " grace of an earlier rotation lasts"),
          done("scopes", "what it may be used for: llmguard's own field"),
          done("networks", "CIDR blocks that it may be used from: llmguard's own field"),
          done("ceilings", "what its calls may ask for: llmguard's own field"),
          done(
              "priority",
              "from -1000 to 1000: a higher one goes first among calls that wait for a server;"
                  + " null for the configured one: llmguard's own field"),
          warned("aliases", "models go by the names of the configuration"),
          warned("config", "has no meaning here"),
          warned("allowed_cache_controls", "nothing is cached"),
          warned("send_invite_email", "no mail is sent"),
          warned("agent_id", "has no meaning here"),
          warned("prompts", "has no meaning here"),
          warned("router_settings", "routing is set in the configuration"),
          warned("spend", "what was spent is what was spent"),
          refused("permissions", "use scopes"),
          refused("allowed_routes", "use scopes"),
          refused("allowed_passthrough_routes", "nothing is passed through"),
          refused("model_tpm_limit", "token limits are for all models of a key"),
          refused("budget_fallbacks", "a spent budget refuses"),
          refused("budget_id", "budgets stand in the key itself"),
          refused("temp_budget_increase", "use max_budget"),
          refused("temp_budget_expiry", "use max_budget"),
          refused("guardrails", "content guards are set in the configuration"),
          refused("disable_global_guardrails", "no key is exempt"),
          refused("policies", "policies are set in the configuration"),
          refused("enforced_params", "use ceilings"),
          refused("rpm_limit_type", "every limit holds"),
          refused("tpm_limit_type", "every limit holds"),
          refused("auto_rotate", "rotate by /key/regenerate"),
          refused("rotation_interval", "rotate by /key/regenerate"),
          refused("organization_id", "there are users and teams only"),
          refused("project_id", "there are users and teams only"),
          refused("access_group_ids", "use models"),
          refused("object_permission", "use models and scopes"),
          refused("allowed_vector_store_indexes", "there are no vector stores"),
          refused("new_key", "keys are made here, so that none is weak or known elsewhere"),
          refused("new_master_key", "the master key stands in the configuration"));

  private static final Map<String, KeyField> BY_NAME =
      ALL.stream().collect(Collectors.toUnmodifiableMap(KeyField::name, Function.identity()));

  /**
   * Looks every field of a request up.
   *
   * @param warnings takes a sentence for each field that has no effect
   * @throws BadCall naming a field that is unknown or refused
   */
  static void check(Fields fields, List<String> warnings) {
    for (String name : fields.names()) {
      KeyField field = BY_NAME.get(name);
      if (field == null) {
        throw BadCall.request("there is no field " + Names.shown(name) + " in this request");
      }
      if (!fields.isEmpty(name)) {
        if (field.treatment == Treatment.REFUSED) {
          throw BadCall.request(name + " is not supported: " + field.note);
        }
        if (field.treatment == Treatment.WARNED) {
          warnings.add(name + " has no effect: " + field.note);
        }
      }
    }
  }

  private static KeyField done(String name, String note) {
    return new KeyField(name, Treatment.DONE, note);
  }

  private static KeyField warned(String name, String note) {
    return new KeyField(name, Treatment.WARNED, note);
  }

  private static KeyField refused(String name, String note) {
    return new KeyField(name, Treatment.REFUSED, note);
  }
}
