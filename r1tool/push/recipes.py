"""Training configurations for TRL's command line (checked with its parser, TRL 1.16), written beside the data."""

from typing import Any, Literal, get_args

Recipe = Literal["sft", "grpo"]
RECIPES: tuple[Recipe, ...] = get_args(Recipe)

SFT: dict[str, Any] = {
    "model_name_or_path": "Qwen/Qwen2.5-Math-7B-Instruct",
    "dtype": "bfloat16",
    "output_dir": "OpenR1-Qwen-7B",
    "max_length": 32768,
    "packing": False,
    "num_train_epochs": 3,
    "learning_rate": 5.0e-05,
    "lr_scheduler_type": "linear",
    "warmup_steps": 0.1,
    "weight_decay": 0.0001,
    "optim": "adamw_torch",
    "per_device_train_batch_size": 1,
    "gradient_accumulation_steps": 2,
    "gradient_checkpointing": True,
    "use_liger_kernel": True,
    "bf16": True,
    "seed": 42,
    "logging_steps": 1,
}
"""OpenR1-Qwen-7B of open-r1 (recipes/OpenR1-Qwen-7B/sft, packing off since its #604)."""

GRPO: dict[str, Any] = {
    "model_name_or_path": "Qwen/Qwen2.5-1.5B-Instruct",
    "dtype": "bfloat16",
    "output_dir": "Qwen2.5-1.5B-GRPO",
    "reward_funcs": ["accuracy_reward", "think_format_reward"],
    "num_generations": 16,
    "max_completion_length": 2048,
    "temperature": 1.0,
    "num_train_epochs": 1,
    "learning_rate": 2.0e-05,
    "lr_scheduler_type": "cosine_with_min_lr",
    "lr_scheduler_kwargs": {"min_lr_rate": 0.1},
    "warmup_steps": 0.1,
    "per_device_train_batch_size": 16,
    "gradient_accumulation_steps": 4,
    "gradient_checkpointing": True,
    "use_vllm": True,
    "bf16": True,
    "seed": 42,
    "logging_steps": 1,
}
"""The GRPO demonstration of open-r1 (recipes/Qwen2.5-1.5B-Instruct/grpo), on the columns of `split --as grpo`."""

NOTES = {
    "sft": "For this length, the model's config needs rope_theta 300000 and max_position_embeddings 32768.\n"
    "On one node of 8 GPUs; without liger-kernel set use_liger_kernel: false.",
    "grpo": "Needs the columns prompt and solution, which 'r1tool split --as grpo' writes.",
}
NEEDS = {"sft": ("messages",), "grpo": ("prompt", "solution")}
"""Columns the trainer reads."""


def file_name(recipe: Recipe) -> str:
    """Where the recipe lies in the dataset."""
    return f"recipes/{recipe}.yaml"


def recipe_text(recipe: Recipe, data_set: str, config: str, split: str) -> str:
    """The YAML for `trl sft` or `trl grpo` to train on this config of the dataset."""
    import yaml

    settings = {"sft": SFT, "grpo": GRPO}[recipe]
    head = "".join(f"# {line}\n" for line in NOTES[recipe].splitlines())
    data = {"dataset_name": data_set, "dataset_config": config, "dataset_train_split": split}
    return head + str(yaml.safe_dump({**data, **settings}, sort_keys=False))


def command(recipe: Recipe, fetch: str, path: str) -> str:
    """The command line that trains with the recipe at `path`, once `fetch`, if there is anything to fetch, is done."""
    train = f"trl {recipe} --config {path}"
    return f"{fetch} && {train}" if fetch else train
