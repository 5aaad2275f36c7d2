"""Looks after keys as scripts for LiteLLM's proxy do: its own client, its paths, its field names."""

import datetime
import json
import os
import sys
import time
import urllib.error
import urllib.request

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from litellm.proxy._types import GenerateKeyResponse, LiteLLM_SpendLogs, LiteLLM_VerificationToken
from litellm.proxy.client import Client

url, master = sys.argv[1:3]
model = "moltbot-llm"


def check(what, good):
    if not good:
        raise AssertionError(what)
    print("ok", what)


def call(method, path, body=None, key=master):
    request = urllib.request.Request(
        url + path,
        None if body is None else json.dumps(body).encode(),
        {"Authorization": "Bearer " + key, "Content-Type": "application/json"},
        method=method,
    )
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as e:
        return e.code, json.load(e)


def done(method, path, body=None):
    status, answer = call(method, path, body)
    check(method + " " + path.split("?")[0].replace(key, "KEY"), status == 200)
    return answer


def has(what, answer, names, kind=None):
    missing = [name for name in names if name not in answer]
    check(what + " has " + ", ".join(names), not missing)
    if kind is not None:
        strange = [name for name in names if name not in kind.model_fields]
        check(what + " names what LiteLLM names", not strange)


def chat(secret):
    body = {"model": model, "max_tokens": 40, "messages": [{"role": "user", "content": "A fact"}]}
    return call("POST", "/v1/chat/completions", body, secret)


def settled(ask, good):
    """What ask answers once it is good: a call is settled after its client has the answer."""
    deadline = time.monotonic() + 20
    while True:
        answer = ask()
        if good(answer) or time.monotonic() > deadline:
            return answer
        time.sleep(0.02)


client = Client(base_url=url, api_key=master)
key = ""
made = client.keys.generate(
    models=[model], duration="20m", key_alias="nightly", user_id="ishaan", team_id="core"
)
GenerateKeyResponse(**made)
has(
    "/key/generate",
    made,
    "key token key_name key_alias user_id team_id models max_budget budget_duration rpm_limit"
    " tpm_limit max_parallel_requests model_rpm_limit metadata blocked expires created_at".split(),
    GenerateKeyResponse,
)
key = made["key"]
check("the key works", chat(key)[0] == 200)

info = settled(lambda: client.keys.info(key), lambda found: found["info"]["spend"] > 0)
check("/key/info is about the key", info["key"] == made["token"])
has(
    "/key/info",
    info["info"],
    "key_name key_alias spend expires models user_id team_id max_budget budget_duration rpm_limit"
    " tpm_limit max_parallel_requests metadata blocked created_at last_active".split(),
    LiteLLM_VerificationToken,
)
check("/key/info knows the spend", info["info"]["spend"] > 0)

changed = done(
    "POST",
    "/key/update",
    {
        "key": key,
        "max_budget": 5,
        "budget_duration": "1mo",
        "rpm_limit": 600,
        "tpm_limit": 100000,
        "max_parallel_requests": 4,
        "metadata": {"user": "ishaan@berri.ai"},
    },
)
check("/key/update says which key", changed["key"] == made["token"])
info = done("GET", "/key/info?key=" + made["token"])["info"]
check(
    "/key/update changes it",
    (info["max_budget"], info["rpm_limit"], info["metadata"]["user"])
    == (5, 600, "ishaan@berri.ai"),
)
client.keys.update(key, key_alias="nightly-2")

listed = client.keys.list(page=1, size=10, return_full_object=True)
has("/key/list", listed, "keys total_count current_page total_pages".split())
check("/key/list has it", [k["key_alias"] for k in listed["keys"]] == ["nightly-2"])
check("/key/list has hashes", client.keys.list()["keys"] == [made["token"]])

check("/key/block", done("POST", "/key/block", {"key": key})["blocked"] is True)
check("a blocked key", chat(key)[0] == 401)
check("/key/unblock", done("POST", "/key/unblock", {"key": key})["blocked"] is False)
check("an unblocked key", chat(key)[0] == 200)

replaced = done("POST", "/key/" + key + "/regenerate", {})
GenerateKeyResponse(**replaced)
check("the old key", chat(key)[0] == 401)
key = replaced["key"]
check("the new key", chat(key)[0] == 200)
again = done("POST", "/key/regenerate", {"key": key, "duration": "1d"})
key = again["key"]
check("the newest key", chat(key)[0] == 200)

logs = settled(lambda: call("GET", "/spend/logs?user_id=ishaan")[1], lambda found: len(found) >= 4)
check("/spend/logs has the calls: %d" % len(logs), len(logs) == 4)
has(
    "/spend/logs",
    logs[0],
    "request_id call_type api_key spend total_tokens prompt_tokens completion_tokens startTime"
    " endTime model user".split(),
    LiteLLM_SpendLogs,
)
check("/spend/logs counts", logs[0]["completion_tokens"] == 40 and logs[0]["model"] == model)
one = done("GET", "/spend/logs?request_id=" + logs[0]["request_id"])
check("/spend/logs by request", [log["request_id"] for log in one] == [logs[0]["request_id"]])
now = datetime.datetime.now(datetime.timezone.utc).date()
first, last = now - datetime.timedelta(days=1), now + datetime.timedelta(days=1)
days = done("GET", "/spend/logs?start_date=%s&end_date=%s" % (first, last))
has("/spend/logs by day", days[0], "startTime spend users models".split())
check("/spend/logs adds up", abs(sum(d["spend"] for d in days) - sum(l["spend"] for l in logs)) < 1e-9)

everything = done("GET", "/global/spend")
has("/global/spend", everything, "spend max_budget".split())
check("/global/spend adds up", everything["spend"] > 0 and everything["max_budget"] == 100)

models = done("GET", "/model/info")["data"]
has("/model/info", models[0], "model_name litellm_params model_info".split())
has("/model/info model_info", models[0]["model_info"], ["id", "db_model", "output_cost_per_token"])
check("/v1/model/info is the same", client.models.info() == models)
check("/model/info names it", models[0]["litellm_params"]["model"] == "ollama/gemma3:270m")

health = done("GET", "/health")
has(
    "/health",
    health,
    "healthy_endpoints unhealthy_endpoints healthy_count unhealthy_count".split(),
)
check("/health counts", (health["healthy_count"], health["unhealthy_count"]) == (1, 0))

status, unknown = call("POST", "/key/block", {"key": "0" * 64})
check("an unknown key", status == 404)
has("an error", unknown["error"], "message type param code".split())
status, refused = call("POST", "/key/generate", {}, key)
check("no administrator", status == 403 and "message" in refused["error"])

check("/key/delete", client.keys.delete(keys=[key])["deleted_keys"] == [again["token"]])
check("a deleted key", chat(key)[0] == 401)
print("all good")
