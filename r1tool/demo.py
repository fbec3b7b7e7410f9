"""Built-in problems of one step, which the embedded engine's small model solves about half of the time."""

import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from r1tool.records.ids import problem_uuid

STOP = ["\n"]
"""What ends an answer to `completion_prompt`."""

WIDEN_EVERY = 50
"""Problems after which the numbers grow by one, so that the problems never run out."""


class Exercise(NamedTuple):
    question: str
    working: str
    answer: int


NAMES = ["Ana", "Ben", "Chen", "Dina", "Eli", "Fatou", "Goran", "Hana", "Ivo", "Jun"]
THINGS = ["apples", "pens", "stamps", "coins", "shells", "books", "marbles", "cards"]

Skill = Callable[[random.Random, int], Exercise]


def _sum(draw: random.Random, wide: int) -> Exercise:
    a, b = draw.randint(2, 20 + wide), draw.randint(2, 20 + wide)
    return Exercise(f"What is {a} + {b}?", f"{a} + {b} = {a + b}.", a + b)


def _product(draw: random.Random, wide: int) -> Exercise:
    a, b = draw.randint(2, 12 + wide), draw.randint(2, 12)
    return Exercise(f"What is {a} * {b}?", f"{a} * {b} = {a * b}.", a * b)


def _quotient(draw: random.Random, wide: int) -> Exercise:
    b, answer = draw.randint(2, 10), draw.randint(2, 10 + wide)
    a = answer * b
    return Exercise(f"What is {a} / {b}?", f"{a} / {b} = {answer}.", answer)


def _story_sum(draw: random.Random, wide: int) -> Exercise:
    a, b = draw.randint(2, 20 + wide), draw.randint(2, 20 + wide)
    name, things = draw.choice(NAMES), draw.choice(THINGS)
    question = f"{name} has {a} {things} and gets {b} more. How many {things} does {name} have now?"
    return Exercise(question, f"{a} + {b} = {a + b}.", a + b)


def _story_product(draw: random.Random, wide: int) -> Exercise:
    a, b = draw.randint(2, 12 + wide), draw.randint(2, 12)
    things = draw.choice(THINGS)
    return Exercise(
        f"There are {a} boxes with {b} {things} in each. How many {things} are there?", f"{a} * {b} = {a * b}.", a * b
    )


def _story_quotient(draw: random.Random, wide: int) -> Exercise:
    b, answer = draw.randint(2, 10), draw.randint(2, 10 + wide)
    name, things = draw.choice(NAMES), draw.choice(THINGS)
    question = f"{name} shares {answer * b} {things} among {b} friends. How many {things} does each friend get?"
    return Exercise(question, f"{answer * b} / {b} = {answer}.", answer)


def _area(draw: random.Random, wide: int) -> Exercise:
    a, b = draw.randint(2, 12 + wide), draw.randint(2, 12)
    return Exercise(
        f"A rectangle is {a} cm long and {b} cm wide. What is its area in square cm?", f"{a} * {b} = {a * b}.", a * b
    )


# name: (skill, problem_type)
SKILLS: dict[str, tuple[Skill, str]] = {
    "addition": (_sum, "Algebra"),
    "multiplication": (_product, "Algebra"),
    "division": (_quotient, "Algebra"),
    "story-addition": (_story_sum, "Algebra"),
    "story-multiplication": (_story_product, "Algebra"),
    "story-division": (_story_quotient, "Algebra"),
    "area": (_area, "Geometry"),
}


def problems(n: int, seed: int = 0) -> Iterator[dict[str, str]]:
    """`n` different problems in the columns of NuminaMath-1.5, the skills in turn; the same for the same seed."""
    draw = random.Random(seed)
    skills = list(SKILLS.items())
    seen: set[str] = set()
    while len(seen) < n:
        name, (skill, problem_type) = skills[len(seen) % len(skills)]
        exercise = skill(draw, len(seen) // WIDEN_EVERY)
        if exercise.question in seen:
            continue
        seen.add(exercise.question)
        yield {
            "problem": exercise.question,
            "solution": _solution(exercise),
            "answer": str(exercise.answer),
            "problem_type": problem_type,
            "question_type": "math-word-problem",
            "source": f"demo/{name}",
            "uuid": problem_uuid(exercise.question),
        }


def completion_prompt(problem: str) -> str:
    """Eight solved problems and then `problem`: what a model of this size needs to box an answer. Stop at STOP."""
    return "\n\n".join([*EXAMPLES, f"Problem: {problem}\nSolution:"])


def _solution(exercise: Exercise) -> str:
    return f"{exercise.working} The final answer is \\boxed{{{exercise.answer}}}."


def _examples() -> list[str]:
    draw = random.Random(8)
    shots = [skill(draw, 0) for skill, _ in [*SKILLS.values(), SKILLS["story-addition"]]]
    return [f"Problem: {shot.question}\nSolution: {_solution(shot)}" for shot in shots]


EXAMPLES = _examples()
