"""Dollars per token or per hour, from a dated table that the user can extend."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.types import Usage


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens, and per hour of a machine of one's own, on a date."""

    input: float
    cached_input: float
    output: float
    as_of: str
    hour: float = 0.0

    def cost(self, usage: Usage, seconds: float = 0.0) -> float:
        """Dollars for these tokens, and for so many seconds of the machine.

        A call has the machine to itself for :func:`share` of the time that it took.
        """
        fresh = max(usage.prompt - usage.cached, 0)
        return (
            fresh * self.input + usage.cached * self.cached_input + usage.completion * self.output
        ) / 1e6 + seconds / 3600 * self.hour


def share(seconds: float, concurrency: int) -> float:
    """Seconds of a machine that are a call's own, where so many calls share it."""
    return seconds / concurrency


def find_price(
    model: str, extra_folder: str | Path | None = None, batch: bool = False
) -> Price | None:
    """The model's price, or None when no table lists it.

    A dated name (``gpt-4.1-mini-2025-04-14``) has the price of the name it begins with.

    Args:
        model: as sent to the server.
        extra_folder: the user's prompt folder, whose ``prices.toml`` comes first.
        batch: the price within the Batch API, which no machine of one's own has.
    """
    tables = [Path(str(files(__package__).joinpath("prices.toml")))]
    if extra_folder and (own := Path(extra_folder).expanduser() / "prices.toml").is_file():
        tables.insert(0, own)
    for path in tables:
        table = _read(path)
        known = [n for n in table["models"] if model == n or model.startswith(f"{n}-2")]
        if known:
            factor = table.get("batch_factor", 0.5) if batch else 1.0
            price = table["models"][max(known, key=len)]
            if hour := float(price.get("usd_per_hour", 0)):
                return None if batch else Price(0.0, 0.0, 0.0, str(table["as_of"]), hour)
            return Price(
                input=price["input"] * factor,
                cached_input=price.get("cached_input", price["input"]) * factor,
                output=price["output"] * factor,
                as_of=str(table["as_of"]),
            )
    return None


def _read(path: Path) -> dict:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        for price in table["models"].values():
            if "usd_per_hour" not in price:
                float(price["input"]), float(price["output"])
            elif float(price["usd_per_hour"]) <= 0 or len(price) > 1:
                raise ValueError("usd_per_hour is above 0 and stands alone")
        table["as_of"]  # a price without a date is no price
        return table
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise RecfeatError(
            f"{path} is not a price table ({error!r}); see prices.toml in "
            "recfeat_pipeline/extraction for its form."
        ) from error
