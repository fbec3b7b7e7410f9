"""tiny_reward_model.py TOKENIZER OUT: random weights in the architecture of Qwen2.5-Math-RM-72B, 25 MB.

OUT/reference.json holds one chat, its templated text, and the score transformers gives it (of the last token).
"""

import json
import shutil
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, Qwen2Config, Qwen2Model

tokenizer_folder, out = Path(sys.argv[1]), Path(sys.argv[2])
out.mkdir(parents=True, exist_ok=True)
torch.manual_seed(0)
hidden, vocabulary = 128, 49152
config = Qwen2Config(
    vocab_size=vocabulary,
    hidden_size=hidden,
    intermediate_size=2 * hidden,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    max_position_embeddings=4096,
    bos_token_id=1,
    eos_token_id=2,
    pad_token_id=2,
    tie_word_embeddings=False,
    initializer_range=0.2,
)
body = Qwen2Model(config).eval()
head = torch.nn.Sequential(torch.nn.Linear(hidden, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 1))
weights = {f"model.{name}": tensor.float().contiguous() for name, tensor in body.state_dict().items()}
weights |= {f"score.{name}": tensor.contiguous() for name, tensor in head.state_dict().items()}
weights["lm_head.weight"] = torch.zeros(vocabulary, hidden)
save_file(weights, out / "model.safetensors", metadata={"format": "pt"})
settings = config.to_dict() | {"architectures": ["Qwen2ForRewardModel"], "dtype": "float32", "num_labels": 1}
for name in ("transformers_version", "id2label", "label2id"):
    settings.pop(name, None)
(out / "config.json").write_text(json.dumps(settings, indent=1))
for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
    shutil.copy(tokenizer_folder / name, out)

tokenizer = AutoTokenizer.from_pretrained(out)
chat = [
    {"role": "system", "content": "Please reason step by step, and put your final answer within \\boxed{}."},
    {"role": "user", "content": "What is 2+3?"},
    {"role": "assistant", "content": "It is \\boxed{5}."},
]
text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=False)
with torch.no_grad():
    ids = tokenizer.encode(text, return_tensors="pt", add_special_tokens=False)
    scores = head(body(ids).last_hidden_state)[0, :, 0]
(out / "reference.json").write_text(json.dumps({"chat": chat, "text": text, "score": scores[-1].item()}))
