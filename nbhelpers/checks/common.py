"""What the checks share: the sentence that a reader gets, and comparisons of numbers."""

import numpy as np

from nbhelpers.compare import ruler


def report(problem, praise):
    """Print ✗ and the problem, or ✓ and the praise where there is no problem."""
    print(f"✗ Not yet. {problem}" if problem else f"✓ {praise}")


def real_improvement(before, after):
    """01, exercise 3: accuracies `after`, one a seed, beat those `before` by more than the ruler's margin."""
    try:
        difference, margin = ruler(before, after)
    except ValueError as problem:
        return report(f"{problem}", "")
    problem = None
    if difference < -margin:
        problem = f"It is worse, by {-difference:.4f}, which exceeds the margin of {margin:.4f}."
    elif difference <= margin:
        problem = f"The difference is {difference:+.4f} and the margin {margin:.4f}: noise could have made it."
    return report(problem, f"The difference of {difference:+.4f} exceeds the margin of {margin:.4f}.")


def close(answer, right, *, tolerance=1e-6):
    """Whether an answer is a number or array of the right shape and values; False for anything else."""
    try:
        answer = np.asarray(answer, float)
    except (TypeError, ValueError):
        return False
    return answer.shape == np.shape(right) and np.allclose(answer, right, rtol=tolerance, atol=tolerance)
