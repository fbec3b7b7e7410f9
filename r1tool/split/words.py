"""The words of a problem, as decontamination and deduplication compare them."""


def words(text: str) -> list[str]:
    """Lower case, split at white space; punctuation and LaTeX stay as they are, as in s1 and open-r1."""
    return text.lower().split()


def ngrams(text: str, size: int) -> set[str]:
    """The word n-grams of `text`; none where it has fewer than `size` words."""
    tokens = words(text)
    return {" ".join(tokens[start : start + size]) for start in range(len(tokens) - size + 1)}
