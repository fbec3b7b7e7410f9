"""Units of measurement after a number: the same quantity is the same answer, another unit is another."""

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

_TABLE = {
    "length": "mm millimeter millimetre=1/1000; cm centimeter centimetre=1/100; dm decimeter decimetre=1/10; "
    "m meter metre=1; km kilometer kilometre=1000; in inch inche=127/5000; ft foot feet=381/1250; yd yard=1143/1250; "
    "mi mile=201168/125",
    "time": "ms millisecond=1/1000; s sec second=1; min minute=60; h hr hour=3600; day=86400; week=604800; "
    "year=31557600; month=2629800",
    "mass": "mg milligram=1/1000000; g gram gm=1/1000; kg kilogram=1; ton tonne=1000; lb pound=45359237/100000000; "
    "oz ounce=45359237/1600000000",
    "volume": "ml mL milliliter millilitre=1/1000; cl=1/100; dl=1/10; l L liter litre=1; cup=236588236/1000000000; "
    "gallon gal=3785411784/1000000000; quart=946352946/1000000000",
    "money": "cent=1/100; dollar=1",
    "angle": "degree deg=1; radian rad=57295779513082321/1000000000000000",
    "speed": "mph=44704/100000; kmh kph=5/18",
    "energy": "J joule=1; kJ kilojoule=1000; eV=1602176634/10000000000000000000000000000",
    "force": "N newton=1; kN=1000", "power": "W watt=1; kW kilowatt=1000", "charge": "C coulomb=1",
    "voltage": "V volt=1", "current": "A ampere amp=1", "pressure": "Pa pascal=1; kPa=1000; atm=101325",
    "frequency": "Hz hertz=1; kHz=1000; MHz=1000000", "amount": "mol mole=1", "temperature": "K kelvin=1",
}  # fmt: skip

UNITS: dict[str, tuple[str, Fraction]] = {
    alias: (dimension, Fraction(factor))
    for dimension, text in _TABLE.items()
    for aliases, factor in (entry.split("=") for entry in text.split("; "))
    for alias in aliases.split()
}
_COUNTED = frozenset(
    (
        "unit people person way student apple dollar book ticket hour times degree percent pct percentage rupee "
        "yuan euro pound mile egg page child children boy girl car bag box point step slice ball coin card marble "
        "cookie ounce piece pair block square cubic sq cu sqft dozen star game bottle seat row cent penny"
    ).split()
)
_FACTOR = re.compile(r"([a-zA-Z]+)(?:\^?\{?(-?\d)\}?)?")


class Dimension(NamedTuple):
    """Powers of the basic dimensions, by name in alphabetical order, and the factor to their basic units."""

    powers: tuple[tuple[str, int], ...]
    factor: Fraction


def is_unit(word: str) -> bool:
    """A word that measures or counts."""
    return (
        word in UNITS
        or word.lower().rstrip("s") in UNITS
        or word.lower() in _COUNTED
        or word.lower().rstrip("s") in _COUNTED
    )


@lru_cache(maxsize=1024)
def dimension(text: str) -> Dimension | None:
    """The dimension of `square feet`, `cm^2`, `km/h`; None if a word is unknown."""
    text = re.sub(r"\bper\b", "/", text.strip().lower() if len(text) > 3 else text.strip())
    powers: dict[str, int] = {}
    factor = Fraction(1)
    for index, part in enumerate(text.split("/")):
        sign, pending = (-1 if index else 1), 1
        for name, power in _FACTOR.findall(part):
            if name in ("square", "sq", "squared"):
                pending = 2
                continue
            if name in ("cubic", "cu", "cubed"):
                pending = 3
                continue
            known = UNITS.get(name) or UNITS.get(name.lower()) or UNITS.get(name.lower().rstrip("s"))
            if not known:
                return None
            exponent = sign * int(power or pending)
            pending = 1
            powers[known[0]] = powers.get(known[0], 0) + exponent
            factor *= known[1] ** exponent
    if not powers:
        return None
    return Dimension(tuple(sorted((name, power) for name, power in powers.items() if power)), factor)
