"""Checks of the exercises of notebook 13."""

import numpy as np
import pandas as pd

from nbhelpers.checks.common import AnswerError, call, check, number, numbers, shown

KEPT = 0.8  # the smallest share of the rows that a cleaned table may have


@check
def examples_needed(count, *, accuracy=0.9, error=0.01):
    """13, exercise 1: how many test examples give an accuracy a standard error of at most `error`."""
    count = number(count, "The number of test examples")
    if count < 1:
        raise AnswerError(f"At least one test example is needed, got {count:g}.")
    variance = accuracy * (1 - accuracy)
    right = round(variance / error**2)
    if abs(count - right) > 1e-3 and count != right + 1:  # which a ceiling of floats gives
        found = (variance / count) ** 0.5
        few = f"{count:,g} test examples have a standard error of {found:.4f}. "
        raise AnswerError(few + ("That is too much." if count < right else "Fewer would do."))
    return f"With {right:,} test examples the standard error is {error}; to halve it takes four times as many."


@check
def prepared_apart(prepare, *, rng=None):
    """13, exercise 2: `prepare(train, test)` centres and scales both by the training rows alone."""
    rng = np.random.default_rng(rng)
    train = rng.normal(rng.normal(0, 5, 4), rng.uniform(1, 9, 4), (40, 4))
    train[:, 3] = 7
    mean = train.mean(axis=0)
    tests = [rng.normal(shift, 3, (rows, 4)) for shift, rows in ((0, 30), (50, 20))]
    for test in tests:
        answer = call(prepare, train.copy(), test.copy(), name="prepare")
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise AnswerError(f"prepare should return two arrays, got {shown(answer)}.")
        for name, given, part in zip(("training", "test"), (train, test), answer, strict=True):
            _compare(name, numbers(part, f"The prepared {name} rows"), given - mean, train[:, :3])
    return "The test rows were measured with the ruler of the training rows, and changed nothing."


def _compare(name, found, centred, train):
    """Hold prepared rows to those that are centred, and still to be scaled by either standard deviation."""
    if found.shape != centred.shape:
        raise AnswerError(f"The prepared {name} rows have the shape {found.shape}; {centred.shape} came in.")
    if not any(np.allclose(found[:, :3], centred[:, :3] / train.std(axis=0, ddof=ddof)) for ddof in (0, 1)):
        raise AnswerError(
            f"The prepared {name} rows are not centred and scaled by the training rows. Whose mean is taken off?"
        )
    if not (np.allclose(found[:, 3], centred[:, 3]) or np.allclose(found[:, 3], 0)):
        raise AnswerError(f"In the {name} rows, the column that never changes in training is neither centred nor zero.")


@check
def passes_the_door(clean, *, rng=None):
    """13, exercise 3: `clean(table)` returns a table that `open_task` lets in, with nothing left to mend."""
    from nbhelpers.task import open_task

    table = _dirty(np.random.default_rng(rng))
    answer = call(clean, table.copy(), name="clean")
    if not isinstance(answer, pd.DataFrame):
        raise AnswerError(f"clean should return a DataFrame, got {shown(answer)}.")
    try:
        task = open_task(answer, target="result")
    except Exception as problem:
        raise AnswerError(f"At the door: {problem}") from None
    left = [note for note in task.notes if not note.startswith("The classes are words")]
    if left:
        raise AnswerError(f"At the door: {left[0]}")
    if len(answer) < KEPT * len(table):
        raise AnswerError(f"{len(answer)} of {len(table)} rows are left; keep at least {KEPT:.0%}.")
    if "height" not in answer or "weight" not in answer:
        raise AnswerError("The columns height and weight have nothing wrong with them: keep them.")
    columns = [name for name in ("height", "weight", "age", "result") if name in answer]
    known = set(table[columns].itertuples(index=False, name=None))
    if any(row not in known for row in answer[columns].itertuples(index=False, name=None)):
        raise AnswerError(
            "A row has another height, weight, age or result than before. Clean; do not invent: a gap that is filled "
            "from all rows has learned from those that score."
        )
    return f"{len(answer)} of {len(table)} rows pass, with {task.inputs.shape[1]} inputs and nothing left to say."


def _dirty(rng, rows=120):
    """A table with gaps, a column that never changes, names, copies, rows without a result, and a class of two."""
    table = pd.DataFrame({"height": rng.normal(170, 9, rows), "weight": rng.normal(70, 9, rows)})
    table["age"] = rng.integers(20, 90, rows).astype(float)
    table["name"] = [f"person {number}" for number in rng.permutation(rows)]
    table["country"] = "here"
    table["result"] = rng.choice(["good", "bad"], rows)
    order = rng.permutation(rows)
    table.loc[order[:2], "result"] = "unknown"
    table.loc[order[2:5], "result"] = None
    table.loc[order[5:10], "age"] = np.nan
    copies = table.iloc[order[10:16]]
    return pd.concat([table, copies], ignore_index=True).sample(frac=1, random_state=int(rng.integers(2**31)))
