"""thinking_model.py MODEL OUT: SmolLM2 with `<think>` and `</think>` as tokens, the former in its chat template.

It never closes a thought by itself, as nothing has trained it to. For tests of what a server does with such tokens.
"""

import json
import sys
from pathlib import Path

from safetensors.torch import load_file, save_file

UNUSED = {"<repo_name>": "<think>", "<reponame>": "</think>"}
LIKE = "Explanation"
"""What `<think>` means to the model: the token it is made from would end the answer at once."""

model, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir()
for file in model.iterdir():
    (out / file.name).symlink_to(file.resolve())


def replace(name: str, text: str) -> None:
    (out / name).unlink()
    (out / name).write_text(text)


tokenizer = json.loads((model / "tokenizer.json").read_bytes())
for token in tokenizer["added_tokens"]:
    if token["content"] in UNUSED:
        token |= {"content": UNUSED[token["content"]], "special": False}
vocabulary = tokenizer["model"]["vocab"]
for old, new in UNUSED.items():
    vocabulary[new] = vocabulary.pop(old)
replace("tokenizer.json", json.dumps(tokenizer))

template = (model / "chat_template.jinja").read_text()
opened = template.replace("<|im_start|>assistant\n", "<|im_start|>assistant\n<think>\n")
assert opened != template
replace("chat_template.jinja", opened)

weights = load_file(model / "model.safetensors")
embeddings = weights["model.embed_tokens.weight"]
embeddings[vocabulary["<think>"]] = embeddings[vocabulary[LIKE]]
(out / "model.safetensors").unlink()
save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
