"""convert_gguf.py GGUF OUT: a GGUF file as a bfloat16 Hugging Face checkpoint, which vLLM can serve."""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

gguf, out = Path(sys.argv[1]).resolve(), sys.argv[2]
folder, name = str(gguf.parent), gguf.name
# transformers 5 keeps GGUF weights packed, and then cannot save them, unless told to dequantize
packed = GgufConfig(gguf_file=name, dequantize=True)
model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.bfloat16, quantization_config=packed)
if hasattr(model.config, "quantization_config"):
    del model.config.quantization_config
model.save_pretrained(out)
AutoTokenizer.from_pretrained(folder, gguf_file=name).save_pretrained(out)
