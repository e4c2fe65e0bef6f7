"""Documents through a language model: lower layers frozen and read once, LoRA on the upper ones.

The hidden states [N, T, H] below the layers that learn are kept, so that a step runs those layers
alone, on the items that it asks for; LoRA (Hu et al., 2022) adds two narrow matrices to each of
their linear maps. The model is an encoder of BERT's kind: its folder, or a name.
"""

from typing import Any

import torch
from torch import Tensor, nn

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.models.operators.operator import ContentOperator, Known
from recfeat_pipeline.models.operators.settings import Settings

RANK = 8
"""Of LoRA's matrices."""
AT_ONCE = 64
"""Documents that the frozen layers read at once."""


class LanguageModel(nn.Module):
    """Rows [M, W] of M items: the mean of their tokens' last states, mapped.

    Args:
        known: its texts are read.
        settings: ``language_model``, ``words`` (tokens that are read), ``trained_layers``.

    Raises:
        RecfeatError: the extra is not installed, or the model cannot be read or is of another kind.
    """

    hidden: Tensor  # [N, T, H]: below the layers that learn
    held: Tensor  # bool [N, T]

    def __init__(self, known: Known, settings: Settings):
        super().__init__()
        model, tokens = _read(settings.language_model, list(known.texts or ()), settings.words)
        layers = model.encoder.layer
        if settings.trained_layers > len(layers):
            raise RecfeatError(
                f"trained_layers = {settings.trained_layers}: {settings.language_model} has "
                f"{len(layers)} layers."
            )
        below = len(layers) - settings.trained_layers
        held = tokens["attention_mask"].bool()
        hidden = _hidden(model, tokens, below)
        self.register_buffer("hidden", hidden, persistent=False)
        self.register_buffer("held", held, persistent=False)
        self.layers = _with_lora(nn.ModuleList(layers[below:]), settings.dropout)
        self.out = nn.Linear(hidden.shape[2], settings.width, bias=False)
        nn.init.normal_(self.out.weight, std=0.02, generator=torch.Generator().manual_seed(0))

    def states(self, items: Tensor) -> Tensor:
        """Last states [M, T, H] of the items [M]."""
        states, held = self.hidden[items], self.held[items]
        closed = torch.zeros(held.shape, device=held.device, dtype=states.dtype)
        mask = closed.masked_fill(~held, torch.finfo(states.dtype).min)[:, None, None]
        for layer in self.layers:
            states = layer(states, attention_mask=mask)
            states = states[0] if isinstance(states, tuple) else states
        return states

    def forward(self, items: Tensor) -> Tensor:
        """[M, W] of the items [M]."""
        held = self.held[items][..., None]
        mean = (self.states(items) * held).sum(1) / held.sum(1).clamp(min=1)
        return self.out(mean)


def _read(name: str, texts: list[str], n_tokens: int) -> tuple[Any, dict[str, Tensor]]:
    """The model, and the texts as its tokens: input_ids and attention_mask, [N, T] each."""
    try:
        import peft  # noqa: F401
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging
    except ImportError as error:
        raise RecfeatError(
            "The content operator 'language_model' needs transformers and peft: pip install "
            "'recfeat_pipeline[language]'."
        ) from error
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        model = AutoModel.from_pretrained(name, attn_implementation="eager").eval().float()
        tokenizer = AutoTokenizer.from_pretrained(name)
    except (OSError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise RecfeatError(f"The language model {name!r} cannot be read: {said}") from error
    if not hasattr(getattr(model, "encoder", None), "layer"):
        raise RecfeatError(
            f"{name!r} is a {type(model).__name__}; the operator 'language_model' takes encoders "
            "of BERT's kind."
        )
    tokens = tokenizer(
        texts, truncation=True, max_length=n_tokens, padding="longest", return_tensors="pt"
    )
    return model, {key: tokens[key] for key in ("input_ids", "attention_mask")}


@torch.no_grad()
def _hidden(model: Any, tokens: dict[str, Tensor], below: int) -> Tensor:
    """The states [N, T, H] below the layers that learn."""
    parts = zip(*(each.split(AT_ONCE) for each in tokens.values()), strict=True)
    return torch.cat(
        [
            model(**dict(zip(tokens, part, strict=True)), output_hidden_states=True)
            .hidden_states[below]
            .clone()
            for part in parts
        ]
    )


def _with_lora(layers: nn.ModuleList, dropout: float) -> nn.ModuleList:
    """The layers frozen, with LoRA on every linear map of them."""
    from peft import LoraConfig, inject_adapter_in_model

    layers.requires_grad_(False)
    maps = [name for name, part in layers.named_modules() if type(part) is nn.Linear]
    config = LoraConfig(r=RANK, lora_alpha=RANK, lora_dropout=dropout, target_modules=maps)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # one of the two matrices is drawn
        inject_adapter_in_model(config, layers)  # in place
    return layers


operator = ContentOperator(
    title="A language model, LoRA on its upper layers",
    reads="text",
    build=LanguageModel,
    is_pretrained=True,
)
