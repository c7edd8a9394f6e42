"""Check the answers to the exercises: say what is wrong and where to look, never the answer.

One module a notebook; a notebook says ``from nbhelpers import checks`` and calls ``checks.name(answer)``.
"""

from nbhelpers.checks.common import real_improvement
from nbhelpers.checks.notebook_01 import parameter_count, steps_of_training
from nbhelpers.checks.notebook_02 import deeper_is_better, layers_for_pieces, layers_in_keras
from nbhelpers.checks.notebook_03 import multiplications, small_network, smallest_width
from nbhelpers.checks.notebook_04 import every_seed_above, leaky_relu, unfair_rate
from nbhelpers.checks.notebook_05 import flattered_by_the_rate, hand_dropout
from nbhelpers.checks.notebook_06 import as_good_as, folded_batch_norm, forgetting_steps
from nbhelpers.checks.notebook_07 import cosine_schedule, log_spaced
from nbhelpers.checks.notebook_08 import searchable_dropout, small_box, typical_error
from nbhelpers.checks.notebook_09 import better_player, tunable
from nbhelpers.checks.notebook_10 import break_even, goes_on, resumed
from nbhelpers.checks.notebook_11 import better_start, moved_parameters, thawed
from nbhelpers.checks.notebook_12 import FLAWS, RIGHT_FLAWS, budgets, flaw
from nbhelpers.checks.notebook_13 import examples_needed, passes_the_door, prepared_apart

__all__ = [
    "FLAWS",
    "RIGHT_FLAWS",
    "as_good_as",
    "better_player",
    "better_start",
    "break_even",
    "budgets",
    "cosine_schedule",
    "deeper_is_better",
    "every_seed_above",
    "examples_needed",
    "flattered_by_the_rate",
    "flaw",
    "folded_batch_norm",
    "forgetting_steps",
    "goes_on",
    "hand_dropout",
    "layers_for_pieces",
    "layers_in_keras",
    "leaky_relu",
    "log_spaced",
    "moved_parameters",
    "multiplications",
    "parameter_count",
    "passes_the_door",
    "prepared_apart",
    "real_improvement",
    "resumed",
    "searchable_dropout",
    "small_box",
    "small_network",
    "smallest_width",
    "steps_of_training",
    "thawed",
    "tunable",
    "typical_error",
    "unfair_rate",
]
