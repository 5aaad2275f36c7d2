"""Makes virtual keys as LiteLLM's scripts do, and uses them with the openai client and LiteLLM's SDK.

Each refusal raises what the same client raises for LiteLLM's own proxy: a stand-in answers with the
status and the error object that the proxy sends (LiteLLM's main branch of August 2026; releases up to
1.83 send 401 for a model that a key may not use, and 400 for a budget).
"""

import http.server
import json
import os
import sys
import threading
import urllib.request

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
import openai

url, master = sys.argv[1:3]
model = "moltbot-llm"
messages = [{"role": "user", "content": "Tell me a fact about the sea."}]

PROXY = {
    "wrong key": (401, "token_not_found_in_db", "Authentication Error, Invalid proxy server token"),
    "other model": (403, "key_model_access_denied", "key not allowed to access model."),
    "rate limit": (429, "None", "Rate limit exceeded for api_key: 88dc. Limit type: requests."),
    "budget": (429, "budget_exceeded", "Budget has been exceeded! Current cost: 2, Max budget: 1"),
}

# what the gateway's error object says: type and code
GATEWAY = {
    "wrong key": ("authentication_error", "invalid_credential"),
    "other model": ("permission_denied_error", "model_not_allowed"),
    "rate limit": ("rate_limit_exceeded", "rate_limit"),
    "budget": ("budget_exceeded", "budget_exceeded"),
}


class StandIn(http.server.BaseHTTPRequestHandler):
    """LiteLLM's proxy, as far as its refusals go: the key says which one."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        case = self.headers["Authorization"].removeprefix("Bearer ").replace("-", " ")
        status, kind, message = PROXY[case]
        error = {"message": message, "type": kind, "param": None, "code": str(status)}
        body = json.dumps({"error": error}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def check(what, good):
    if not good:
        raise AssertionError(what)
    print("ok", what)


def raised(what, call):
    try:
        call()
    except Exception as e:
        return e
    raise AssertionError(what + " was let through")


def key(**settings):
    request = urllib.request.Request(
        url + "/key/generate",
        json.dumps(settings).encode(),
        {"Authorization": "Bearer " + master, "Content-Type": "application/json"},
    )
    return json.load(urllib.request.urlopen(request))["key"]


def with_openai(base, secret, name=model, **more):
    client = openai.OpenAI(base_url=base + "/v1", api_key=secret, max_retries=0)
    return client.chat.completions.create(model=name, messages=messages, max_tokens=40, **more)


def with_litellm(provider):
    def ask(base, secret, name=model, **more):
        return litellm.completion(
            model=provider + "/" + name,
            messages=messages,
            api_base=base + "/v1",
            api_key=secret,
            max_tokens=40,
            num_retries=0,
            max_retries=0,
            **more
        )

    return ask


stand_in = http.server.ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
threading.Thread(target=stand_in.serve_forever, daemon=True).start()
proxy = "http://127.0.0.1:%d" % stand_in.server_port

for sdk, ask, errors in (
    ("openai", with_openai, openai),
    ("litellm openai/", with_litellm("openai"), litellm),
    ("litellm litellm_proxy/", with_litellm("litellm_proxy"), litellm),
):

    def refused(case, secret, name=model):
        what = sdk + " " + case
        ours = raised(what, lambda: ask(url, secret, name))
        theirs = raised(what, lambda: ask(proxy, case.replace(" ", "-")))
        check(what + ": " + type(ours).__name__, type(ours) is type(theirs))
        check(what + " status", ours.status_code == theirs.status_code == PROXY[case][0])
        if errors is openai:
            check(what + " type and code", (ours.type, ours.code) == GATEWAY[case])
        return ours

    good = key(models=[model], metadata={"user": "ishaan@berri.ai"})
    answer = ask(url, good)
    check(sdk + " chat", answer.choices[0].message.content and answer.model.endswith(model))
    check(sdk + " usage", answer.usage.completion_tokens == 40)
    parts = list(ask(url, good, stream=True, stream_options={"include_usage": True}))
    text = "".join(p.choices[0].delta.content or "" for p in parts if p.choices)
    check(sdk + " stream", len(parts) > 10 and len(text) > 10)
    used = [p.usage for p in parts if getattr(p, "usage", None)]
    check(sdk + " stream usage", used and used[-1].completion_tokens > 0)

    wrong = refused("wrong key", "sk-wrong")
    check(sdk + " names 401", isinstance(wrong, errors.AuthenticationError))
    refused("other model", good, "gemma3")
    once = key(models=[model], rpm_limit=1)
    ask(url, once)
    limited = refused("rate limit", once)
    check(sdk + " names 429", isinstance(limited, errors.RateLimitError))
    poor = key(models=[model], max_budget=0.05, budget_duration="1mo")
    ask(url, poor)
    spent = refused("budget", poor)
    check(sdk + " names the budget", isinstance(spent, errors.RateLimitError))
    check(sdk + " says when", "budget" in str(spent).lower() and "resets at" in str(spent))

print("all good")
