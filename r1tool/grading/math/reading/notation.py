"""One spelling for what LaTeX, Unicode and plain text write in many ways, without changing what is meant."""

import re
import unicodedata
from functools import lru_cache

MAX_NOTATION_CHARS = 20_000
"""Longer texts are only compared as they are written: nobody writes an answer of this length in two notations."""

_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉ₙ", "0123456789n", strict=True))
GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigmaf sigma tau "
    "upsilon phi chi psi omega"
).split()
"""In the order of Unicode, from U+03B1."""

_CHARACTERS: dict[int, str | None] = {
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{0x3B1 + index: f"\\{name} " for index, name in enumerate(GREEK)},
    **dict.fromkeys((*range(8203, 8208), *range(8234, 8239), *range(8288, 8304), 65279, 173)),
    **dict.fromkeys((*range(0, 9), *range(14, 32), 127)),
    **{
        ord(character): latex
        for character, latex in {
            "Δ": "\\Delta ", "Ω": "\\Omega ", "Σ": "\\Sigma ", "Π": "\\Pi ", "Φ": "\\Phi ", "ϕ": "\\phi ",
            "√": "\\sqrt ", "∛": "\\sqrt[3]", "−": "-", "–": "-", "—": "-", "‐": "-", "‑": "-", "﹣": "-",
            "×": "\\times ", "·": "\\cdot ", "⋅": "\\cdot ", "∙": "\\cdot ", "÷": "/", "∕": "/", "⁄": "/",
            "≤": "\\le ", "⩽": "\\le ", "≦": "\\le ", "≥": "\\ge ", "⩾": "\\ge ", "≧": "\\ge ", "≠": "\\ne ",
            "≈": "\\approx ", "≡": "\\equiv ", "∞": "\\infty ", "∪": "\\cup ", "∩": "\\cap ", "∈": "\\in ",
            "∖": "\\setminus ", "°": "\\circ ", "º": "\\circ ", "℃": "\\circ C", "±": "\\pm ", "∓": "\\mp ",
            "½": "\\frac{1}{2}", "⅓": "\\frac{1}{3}", "⅔": "\\frac{2}{3}", "¼": "\\frac{1}{4}", "¾": "\\frac{3}{4}",
            "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}", "ℕ": "\\mathbb{N}", "∅": "\\emptyset ", "∠": "\\angle ",
            "→": "\\to ", "…": "\\ldots ", "⋯": "\\ldots ", "′": "'", "’": "'", "‘": "'", "“": '"', "”": '"',
            "、": ",", "。": ".", "【": "[", "】": "]", "⟨": "(", "⟩": ")", "〈": "(", "〉": ")",
            "\xa0": " ", "\u2009": " ", "\u202f": " ", "\u3000": " ", "∣": "|", "│": "|", "⌊": "\\lfloor ",
            "⌋": "\\rfloor ", "⌈": "\\lceil ", "⌉": "\\rceil ", "￥": "¥", "ⁱ": "^{i}",
        }.items()
    },
}  # fmt: skip

_KNOWN = (
    "frac|dfrac|tfrac|cfrac|sqrt|left|right|text|mathrm|mathbf|textbf|pi|infty|cup|cap|cdot|times|pm|mp|leq?|geq?|neq?|"
    "begin|end|pmatrix|theta|alpha|beta|circ|degree|sin|cos|tan|log|ln|in|quad|boxed|overline|angle|lambda|mu|phi|"
    "mathbb|mathcal|binom|le|ge|lt|gt|approx|operatorname|displaystyle|to|ldots|dots|emptyset|varnothing|setminus"
)
_DOUBLE_ESCAPE = re.compile(rf"\\\\(?=(?:{_KNOWN})(?![a-zA-Z]))|\\\\(?=[(){{}}\[\],%$!;])")
_SUP_RUN = re.compile("[" + "".join(_SUPERSCRIPTS) + "]+")
_SUB_RUN = re.compile("[" + "".join(_SUBSCRIPTS) + "]+")
_TEXT = re.compile(
    r"\\(?:text|textrm|textbf|textit|texttt|textsf|textnormal|mbox|hbox|mathrm|mathbf|mathit|mathsf|mathtt|boldsymbol"
    r"|bm|operatorname\*?|emph|underline|bold|pmb)\s*\{([^{}]*)\}"
)
_WRAPPERS = re.compile(r"\\(?:boxed|fbox|bold|overline|widehat|hat|bar|vec|overrightarrow|tilde|dot|ddot)(?=\s*\{)")
_DELIMITERS = re.compile(r"(?<!\\)\$|\\[()\[\]](?!\\)")
_SPACES = re.compile(
    r"\\(?:displaystyle|textstyle|scriptstyle|limits|nolimits|left|right|[bB]igg?[lrm]?|middle|quad|qquad|thinspace"
    r"|enspace|hfill|rm|bf|it|hskip|!)(?![a-zA-Z])|(?<!\\)\\[!,;: ]|~|\\phantom\{[^{}]*\}|\\hspace\*?\{[^{}]*\}"
    r"|\\v?space\{[^{}]*\}|&nbsp;"
)
_THOUSANDS_TIGHT = re.compile(r"(?<=\d)(?:\s*\{\s*,\s*\}|,\s*\\!|\\,|\\;|\\ (?!\\)|\\!,?)\s*(?=\d{3}(?!\d))")
_REPEATING = re.compile(
    r"(?<!\d)(?:(\d*)\.(\d*)\s*\\(?:overline|bar|dot|overset\{\.\})\s*\{(\d+)\}|(\d*)\.(\d*)\((\d+)\))"
)
_ALIGNED = re.compile(r"\\(?:begin|end)\s*\{(?:aligned|align\*?|gathered|split|equation\*?)\}")
_STRAY = re.compile(r"(?<!\\)\\(?=\d)")
_FRACTION = re.compile(r"\\[dtc]frac(?![a-zA-Z])")
_DEGREE = re.compile(r"\^\s*\{?\s*(?:\\circ|\\degree)\s*\}?|\\degree(?![a-zA-Z])|\\circ(?![a-zA-Z])")
_SYNONYMS = {
    r"\leq": r"\le", r"\leqslant": r"\le", r"\geq": r"\ge", r"\geqslant": r"\ge", r"\neq": r"\ne", r"\lt": "<",
    r"\gt": ">", r"\dots": r"\ldots", r"\cdots": r"\ldots", r"\dotsc": r"\ldots", r"\varnothing": r"\emptyset",
    r"\lbrace": r"\{", r"\rbrace": r"\}", r"\lbrack": "[", r"\rbrack": "]", r"\ast": r"\cdot", r"\varphi": r"\phi",
    r"\varepsilon": r"\epsilon", r"\backslash": r"\setminus", r"\rightarrow": r"\to", r"\colon": ":", r"\ratio": ":",
    r"\vert": "|", r"\lvert": "|", r"\rvert": "|", r"\mid": "|", r"\arcsin": r"\asin", r"\arccos": r"\acos",
    r"\arctan": r"\atan", r"\langle": "(", r"\rangle": ")", r"\land": r"\wedge", r"\lor": r"\vee", r"\tg": r"\tan",
    r"\ctg": r"\cot", r"\div": "/", r"\thickspace": "", r"\cosec": r"\csc", r"\iff": r"\Leftrightarrow",
    r"\lg": r"\log_{10}",
}  # fmt: skip
_COMMAND = re.compile(r"\\[a-zA-Z]+")
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_CURRENCY = re.compile(r"\\\$|(?:US|USD)\s*\$|[$€£¥₹]|\\(?:euro|pounds|yen)(?![a-zA-Z])")
_COMMAND_AND_LETTER = re.compile(r"(\\[a-zA-Z]+)\s+(?=[a-zA-Z])")

QUOTE_OPEN, QUOTE_CLOSE = "«", "»"


@lru_cache(maxsize=4096)
def normalize(text: str) -> str:
    r"""`text` in one notation; words that LaTeX sets as text come out as «words». Linear in the length of the text.

    Undoes double escaping (`\\frac`), Unicode mathematics (√ π ² full-width digits), delimiters (`$`, `\[`), spacing,
    `\left`, `\dfrac`, `\text`, currency signs, and the separators of thousands that LaTeX marks (`1{,}000`).
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return text
    if len(text) > MAX_NOTATION_CHARS:
        return " ".join(text.split())
    if not (text.isascii() and text.isprintable()):
        text = _SUP_RUN.sub(lambda run: "^{" + "".join(_SUPERSCRIPTS[c] for c in run[0]) + "}", text)
        text = _SUB_RUN.sub(lambda run: "_{" + "".join(_SUBSCRIPTS[c] for c in run[0]) + "}", text)
        text = text.translate(_CHARACTERS)
        text = "".join(_ascii_digit(c) for c in text)
    if "\\\\" in text and not re.search(r"(?<!\\)\\begin", text):
        text = _DOUBLE_ESCAPE.sub(r"\\", text)
    if "{" in text and "," in text:
        text = _THOUSANDS_TIGHT.sub("", text)
    if "\\" not in text and "$" not in text:
        return " ".join(_CURRENCY.sub(" ", text).split())
    text = _THOUSANDS_TIGHT.sub("", text)
    text = _STRAY.sub("", text)
    text = text.replace("\\%", "%").replace("\\#", "#").replace("\\&", "&").replace("\\_", "_")
    text = _CURRENCY.sub(" ", text) if "\\$" in text or not text.isascii() else text
    text = _DELIMITERS.sub(" ", text)
    if "\\begin" in text:
        text, aligned = _ALIGNED.subn(" ", text)
        text = text.replace("&", " ") if aligned else text
    text = _SPACES.sub(" ", text)
    text = _FRACTION.sub(r"\\frac", text)
    text = _REPEATING.sub(_repeating, text)
    for _ in range(3):
        text, changed = _TEXT.subn(_quoted, text)
        if not changed:
            break
    text = _WRAPPERS.sub("", text)
    text = _DEGREE.sub("°", text)
    text = _COMMAND.sub(lambda command: _SYNONYMS.get(command[0], command[0]), text)
    return " ".join(text.split())


@lru_cache(maxsize=4096)
def squeeze(text: str) -> str:
    """normalize(text) without the spaces that mean nothing: equal strings are equal answers."""
    text = _COMMAND_AND_LETTER.sub("\\1\0", text)
    return re.sub(r"(?<![A-Za-z\d]) +| +(?![A-Za-z\d])", "", text).replace("\0", " ").lstrip(" ,;:").rstrip(" .,;:")


def _ascii_digit(character: str) -> str:
    if character > "\x7f" and character.isdecimal():
        return str(unicodedata.decimal(character))
    return character


def _repeating(match: re.Match[str]) -> str:
    r"""0.1\overline{6} as a fraction."""
    whole, fixed, period = match.groups()[:3] if match[3] else match.groups()[3:]
    if len(period) + len(fixed) > 60:
        return match[0]
    upper = int((whole or "0") + fixed + period) - int((whole or "0") + fixed)
    return f"\\frac{{{upper}}}{{{10 ** len(fixed) * (10 ** len(period) - 1)}}}"


_FUNCTION_NAMES = frozenset(
    "sin cos tan cot sec csc sinh cosh tanh arcsin arccos arctan ln log exp lcm gcd max min arccot".split()
)


def _quoted(match: re.Match[str]) -> str:
    r"""The content of \text{...}: a letter is itself, a function its command, words are quoted, the rest is read."""
    content = match[1].strip()
    command = match[0].split("{", 1)[0]
    if not content:
        return " "
    if content in _FUNCTION_NAMES:
        return f"\\{content} "
    if len(content) == 1 and (content.isalpha() or content.isdigit()):
        in_text = "text" in command or "mbox" in command
        return f"{QUOTE_OPEN}{content}{QUOTE_CLOSE}" if in_text and content.isalpha() else f" {content} "
    if any(c.isalpha() for c in content) and not any(c in "«»\\^=+_()[]" or c.isdigit() for c in content):
        return f"{QUOTE_OPEN}{content}{QUOTE_CLOSE}"
    return f" {content} "
