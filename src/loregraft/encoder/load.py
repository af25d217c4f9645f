"""Load and save an encoder: a plain Hugging Face folder in, a plain Hugging Face folder out.

What is saved opens with `transformers.AutoModel` and with `sentence_transformers.SentenceTransformer`;
neither needs loregraft.
"""

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn

from loregraft.artifact import sha256_file, sha256_folder
from loregraft.disk import write_json
from loregraft.encoder.packing import LONGEST, position_offset
from loregraft.encoder.tokenize import TokenizedTexts
from loregraft.errors import BadInput

Pooling = Literal["mean", "cls"]
WEIGHTS = "model.safetensors"
RESERVED = 4
"""Positions that some families keep for padding, at most."""
# Two short texts and, for encoders that look only so far, the longest that is ever packed.
_TRIED = ("An apple a day keeps the doctor away.", "红苹果 and more", "An apple a day. " * LONGEST)
_TOKENIZER_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")


@dataclass(frozen=True)
class Encoder:
    """A model without head, its tokenizer, and how its token vectors become one vector.

    Attributes:
        model: Any transformers encoder; called with input_ids and attention_mask.
        folder: Where it was read from.
        sha256: Hash of the weights as they were read.
        position_offset: Where positions start when short texts are packed; None: they cannot be.
    """

    model: nn.Module
    tokenizer: object
    pooling: Pooling
    folder: Path
    sha256: str
    position_offset: int | None = None

    @property
    def dim(self) -> int:
        """The length of a vector."""
        return int(self.model.config.hidden_size)  # type: ignore[union-attr, arg-type]

    def tokenize(self, texts: Sequence[str], max_tokens: int) -> TokenizedTexts:
        """Turn texts into token ids, special tokens included; longer texts are cut and counted."""
        most = longest_text(self.model.config, self.position_offset)
        return TokenizedTexts.of(self.tokenizer, texts, min(max_tokens, most))


def load_encoder(folder: Path, sha256: str = "") -> Encoder:
    """Read an encoder from a folder, in float32, on the CPU.

    Args:
        folder: A Hugging Face model folder with safetensors weights and a tokenizer.
        sha256: If given, what `model.safetensors` must hash to.

    Raises:
        BadInput: The folder, its configuration, weights or tokenizer is missing or unreadable, or
            the hash differs.
    """
    actual = _check_folder(folder, sha256)
    from transformers import AutoTokenizer  # slow to import
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # whatever the library raises, the folder is at fault
        fix = "Save the tokenizer into the folder with tokenizer.save_pretrained(...)."
        raise BadInput(folder, 0, f"the tokenizer cannot be read ({_first_line(error)})", fix) from error
    model = _read_model(folder)
    tried = TokenizedTexts.of(tokenizer, _TRIED, LONGEST)
    offset = position_offset(model, [tried.text(text) for text in range(len(tried))], tried.padding_id)
    return Encoder(model, tokenizer, _read_pooling(folder), folder, actual, offset)


def read_stock(folder: Path) -> tuple[nn.Module, object]:
    """Open any stock model of transformers, with the head that it was saved with, and its tokenizer.

    Raises:
        BadInput: It cannot be read, or is no stock model.
    """
    import transformers  # slow to import

    config = _read_json(folder / "config.json", "Save it again with model.save_pretrained(...).")
    names = config.get("architectures")
    kind = getattr(transformers, str(names[0]), None) if isinstance(names, list) and names else None
    if kind is None:
        found = f"config.json names no model of transformers but {names!r}"
        raise BadInput(folder, 0, found, "Save it again with model.save_pretrained(...).")
    try:
        options = {"local_files_only": True, "use_safetensors": True, "dtype": torch.float32}
        model = kind.from_pretrained(folder, **options)
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # whatever the library raises, the folder is at fault
        fix = "Save model and tokenizer again with save_pretrained(...)."
        raise BadInput(folder, 0, f"the model cannot be read ({_first_line(error)})", fix) from error
    return model, tokenizer


def sha256_weights(weights: Mapping[str, Tensor]) -> str:
    """Give a hash of weights by name."""
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode() + weights[name].detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


def longest_text(config: object, offset: int | None) -> int:
    """Tell how many tokens have a position, special tokens included; 10**9 where all have.

    Args:
        offset: Where positions start; None: unknown.
    """
    positions = getattr(config, "max_position_embeddings", None)
    if not isinstance(positions, int) or positions <= RESERVED:
        return 10**9
    return positions - (RESERVED if offset is None else offset)


def save_encoder(encoder: Encoder, folder: Path, max_tokens: int) -> None:
    """Write model, tokenizer and the sentence-transformers files that say how to pool.

    Args:
        folder: An existing folder.
        max_tokens: Where sentence-transformers will cut a text.
    """
    encoder.model.save_pretrained(folder)  # type: ignore[operator]
    encoder.tokenizer.save_pretrained(folder)  # type: ignore[attr-defined]
    kind = "sentence_transformers.models"
    names = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    modules = [
        {"idx": index, "name": str(index), "path": path, "type": f"{kind}.{name}"}
        for index, (name, path) in enumerate(names)
    ]
    write_json(folder / "modules.json", modules)
    write_json(
        folder / "sentence_bert_config.json",
        {"max_seq_length": max_tokens, "do_lower_case": False},
    )
    (folder / "1_Pooling").mkdir(exist_ok=True)
    write_json(
        folder / "1_Pooling" / "config.json",
        {
            "word_embedding_dimension": encoder.dim,
            "pooling_mode_cls_token": encoder.pooling == "cls",
            "pooling_mode_mean_tokens": encoder.pooling == "mean",
        },
    )


def _read_model(folder: Path) -> nn.Module:
    from transformers import AutoModel

    fix = "Give a folder that transformers.AutoModel.from_pretrained can open."
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)  # a pooler that the folder lacks starts the same each time
            model, told = AutoModel.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                dtype=torch.float32,
                # On a processor and for short texts the fused attention's backward pass is the slower one.
                attn_implementation="eager",
                output_loading_info=True,
            )
    except Exception as error:
        raise BadInput(folder, 0, f"the model cannot be read ({_first_line(error)})", fix) from error
    # transformers gives random weights to what it does not find; only a pooler is not used here.
    missing = sorted(name for name in told["missing_keys"] if "pooler" not in name)
    if missing:
        found = f"{len(missing)} tensors of the model are not among the weights, such as {missing[0]}"
        raise BadInput(folder, 0, found, "Save them again with model.save_pretrained(...).")
    model.eval()
    return model


def _check_folder(folder: Path, sha256: str) -> str:
    fix = "Give the path of a Hugging Face model folder."
    if not folder.is_dir():
        raise BadInput(folder, 0, "there is no such encoder folder", fix)
    if not (folder / "config.json").is_file():
        raise BadInput(folder, 0, "there is no config.json in the encoder folder", fix)
    _read_json(folder / "config.json", "Save it again with model.save_pretrained(...).")
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        found = "the encoder folder has no tokenizer"
        raise BadInput(folder, 0, found, "Save it there with tokenizer.save_pretrained(...).")
    weights = folder / WEIGHTS
    if not weights.is_file() and not (folder / f"{WEIGHTS}.index.json").is_file():
        found = "the encoder folder has no safetensors weights"
        raise BadInput(
            folder, 0, found, "Save them with model.save_pretrained(...); pickled weights are not read."
        )
    actual = sha256_file(weights) if weights.is_file() else sha256_folder(folder)
    if sha256 and actual != sha256:
        found = f"the sha256 of the weights is {actual}, the recipe expects {sha256}"
        raise BadInput(weights, 0, found, "Install the pinned package again, or correct encoder.sha256.")
    return actual


def _read_pooling(folder: Path) -> Pooling:
    path = folder / "1_Pooling" / "config.json"
    if not path.is_file():
        return "mean"
    config = _read_json(path, "Remove the file or write it again.")
    mode = config.get("pooling_mode")  # one key since sentence-transformers 6, one for each mode before
    old = [name for name, used in config.items() if name.startswith("pooling_mode_") and used]
    if mode in ("cls", ["cls"]) or (mode is None and old == ["pooling_mode_cls_token"]):
        return "cls"
    if mode not in ("mean", ["mean"]) and (mode is not None or old != ["pooling_mode_mean_tokens"]):
        logging.getLogger(__name__).warning("%s: only mean and cls pooling are known; using mean", path)
    return "mean"


def _read_json(path: Path, fix: str) -> dict[str, object]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadInput(path, 0, f"not a JSON object ({error})", fix) from error
    if not isinstance(content, dict):
        raise BadInput(path, 0, f"not a JSON object but a {type(content).__name__}", fix)
    return content


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
