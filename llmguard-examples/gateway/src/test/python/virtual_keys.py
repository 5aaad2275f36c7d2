"""Makes virtual keys as LiteLLM's scripts do, and uses them with the openai client and LiteLLM's SDK."""

import json
import os
import sys
import urllib.request

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

import litellm
import openai

url, master = sys.argv[1:3]
model = "moltbot-llm"
messages = [{"role": "user", "content": "Tell me a fact about the sea."}]


def check(what, good):
    if not good:
        raise AssertionError(what)
    print("ok", what)


def raises(what, kind, status, call):
    try:
        call()
    except kind as e:
        check(what + ": " + type(e).__name__, e.status_code == status)
        return str(e)
    raise AssertionError(what + " was let through")


def key(**settings):
    request = urllib.request.Request(
        url + "/key/generate",
        json.dumps(settings).encode(),
        {"Authorization": "Bearer " + master, "Content-Type": "application/json"},
    )
    return json.load(urllib.request.urlopen(request))["key"]


def with_openai(secret, name=model, **more):
    client = openai.OpenAI(base_url=url + "/v1", api_key=secret, max_retries=0)
    return client.chat.completions.create(model=name, messages=messages, max_tokens=40, **more)


def with_litellm(secret, name=model, **more):
    return litellm.completion(
        model="openai/" + name,
        messages=messages,
        api_base=url + "/v1",
        api_key=secret,
        max_tokens=40,
        num_retries=0,
        **more
    )


for sdk, ask, errors, forbidden in (
    ("openai", with_openai, openai, openai.PermissionDeniedError),
    # LiteLLM's SDK has no class of its own for a 403 of an OpenAI-compatible server
    ("litellm", with_litellm, litellm, litellm.APIError),
):
    good = key(models=[model], metadata={"user": "ishaan@berri.ai"})
    answer = ask(good)
    check(sdk + " chat", answer.choices[0].message.content and answer.model == model)
    check(sdk + " usage", answer.usage.completion_tokens == 40)
    parts = list(ask(good, stream=True, stream_options={"include_usage": True}))
    text = "".join(p.choices[0].delta.content or "" for p in parts if p.choices)
    check(sdk + " stream", len(parts) > 10 and len(text) > 10)
    used = [p.usage for p in parts if getattr(p, "usage", None)]
    check(sdk + " stream usage", used and used[-1].completion_tokens > 0)
    raises(sdk + " wrong key", errors.AuthenticationError, 401, lambda: ask("sk-wrong"))
    raises(sdk + " other model", forbidden, 403, lambda: ask(good, "gemma3"))
    once = key(models=[model], rpm_limit=1)
    ask(once)
    raises(sdk + " rate limit", errors.RateLimitError, 429, lambda: ask(once))
    poor = key(models=[model], max_budget=0.05, budget_duration="1mo")
    ask(poor)
    said = raises(sdk + " budget", errors.RateLimitError, 429, lambda: ask(poor))
    check(sdk + " budget says so", "budget" in said.lower() and "resets at" in said)

print("all good")
