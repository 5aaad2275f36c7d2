"""Calls a gateway with the official ollama and openai clients, as their users do."""

import sys

import ollama
import openai

url, key = sys.argv[1:3]
model = "gemma3:270m"
messages = [{"role": "user", "content": "Tell me a fact about the sea."}]


def check(what, good):
    if not good:
        raise AssertionError(what)
    print("ok", what)


client = ollama.Client(host=url, headers={"Authorization": "Bearer " + key})
check("ollama list", client.list().models[0].model == model)
check("ollama show", client.show(model).details.family == "gemma3")
check("ollama ps", client.ps().models[0].model == model)
check("ollama chat", client.chat(model, messages, options={"num_predict": 40}).message.content)
parts = list(client.chat(model, messages, stream=True))
check("ollama chat stream", len(parts) > 10 and parts[-1].done and parts[-1].eval_count == 60)
check("ollama generate", client.generate(model, "Why is the sky blue?").response)
parts = list(client.generate(model, "Why is the sky blue?", stream=True))
check("ollama generate stream", len(parts) > 10 and parts[-1].done)
check("ollama embed", len(client.embed(model, ["one", "two"]).embeddings) == 2)

wrong = ollama.Client(host=url, headers={"Authorization": "Bearer wrong"})
try:
    wrong.chat(model, messages)
    raise AssertionError("a wrong key was let in")
except ollama.ResponseError as e:
    check("ollama wrong key", e.status_code == 401 and "credential" in e.error)

client = openai.OpenAI(base_url=url + "/v1", api_key=key, max_retries=0)
check("openai models", [m.id for m in client.models.list()] == [model])
answer = client.chat.completions.create(model=model, messages=messages, max_tokens=40)
check("openai chat", answer.choices[0].message.content and answer.usage.completion_tokens == 40)
parts = list(
    client.chat.completions.create(
        model=model, messages=messages, stream=True, stream_options={"include_usage": True}
    )
)
check("openai chat stream", len(parts) > 10 and parts[-1].usage.completion_tokens > 0)
check("openai completions", client.completions.create(model=model, prompt="One").choices[0].text)
check(
    "openai embeddings",
    len(client.embeddings.create(model=model, input=["one", "two"], encoding_format="float").data)
    == 2,
)
check("openai responses", client.responses.create(model=model, input="A fact").output_text)

wrong = openai.OpenAI(base_url=url + "/v1", api_key="wrong", max_retries=0)
try:
    wrong.chat.completions.create(model=model, messages=messages)
    raise AssertionError("a wrong key was let in")
except openai.AuthenticationError as e:
    check("openai wrong key", e.status_code == 401 and "credential" in e.message)
print("all good")
