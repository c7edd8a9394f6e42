"""What a report says is what was run: it is read from the network, its history and the study."""

import keras
import matplotlib.pyplot as plt
import numpy as np
import optuna
import pytest

from nbhelpers.models import build_cnn, build_mlp, make_schedule
from nbhelpers.report import describe_network, describe_search, describe_training, versions, write_page


def test_a_network_in_words():
    model = build_mlp((6, 5), activation="tanh", batch_norm=True, dropout=0.2, input_shape=(4,), classes=3)
    assert describe_network(model) == (
        "6 units, BatchNormalization, tanh, dropout 0.2, 5 units, BatchNormalization, tanh, dropout 0.2, "
        f"3 units with softmax; {model.count_params():,} weights and biases"
    )
    assert describe_network(build_cnn((2,), classes=3)).startswith("2 filters with relu, 3 units with softmax; ")


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("constant", "Adam with a constant rate of 0.003;"),
        ("cosine", "Adam with the schedule CosineDecay (initial learning rate 0.003, decay steps 12,"),
        ("one_cycle", "warmup target 0.003"),
        ("step", "values 0.003/0.0003/3e-05"),
    ],
)
def test_a_training_in_words(schedule, words):
    rate = make_schedule(schedule, 0.003, steps=12)
    model = build_mlp((3,), input_shape=(4,), classes=3, learning_rate=rate)
    x, y = np.zeros((20, 4)), np.zeros(20, int)
    for first, last in ((0, 1), (1, 4)):
        model.fit(x, y, batch_size=8, initial_epoch=first, epochs=last, verbose=0)
    said = describe_training(model, examples=20, batch_size=8)
    assert words in said
    assert said.endswith("; 12 steps of 8 examples, 4 epochs of 20")


def test_weight_decay_is_named():
    model = build_mlp((3,), input_shape=(4,), classes=3, optimizer="adamw", weight_decay=0.01)
    model.fit(np.zeros((8, 4)), np.zeros(8, int), verbose=0)
    assert "AdamW with a constant rate of 0.001, weight decay 0.01;" in describe_training(
        model, examples=8, batch_size=8
    )


def test_a_search_in_words():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), pruner=optuna.pruners.HyperbandPruner())
    with pytest.raises(ValueError, match="no trial yet"):
        describe_search(study)

    def objective(trial):
        if trial.number == 1:
            raise optuna.TrialPruned
        units = trial.suggest_categorical("units", [8, 16])
        return units * trial.suggest_float("learning_rate", 1e-4, 1e-2, log=True)

    study.optimize(objective, n_trials=3)
    said = describe_search(study)
    assert said.startswith("3 trials (2 complete, 1 pruned) in 0 seconds of training by RandomSampler with Hyperband")
    assert said.endswith("space: units 8, 16; learning_rate 0.0001 to 0.01, on a log scale")


def test_versions():
    assert f"keras {keras.__version__}" in versions()
    assert versions().startswith("Python 3.")


def test_a_page_with_a_figure(tmp_path):
    figure, ax = plt.subplots()
    ax.plot([1, 2])
    sections = {"Score": "0.9", "Seeds": "1, 2"}
    path = write_page(tmp_path / "new" / "report.md", title="Trees", sections=sections, figures={"a line": figure})
    text = path.read_text(encoding="utf-8")
    assert text == (
        f"# Trees\n\n## Score\n\n0.9\n\n## Seeds\n\n1, 2\n\n## Versions\n\n{versions()}\n\n![a line](report_1.png)\n"
    )
    assert (tmp_path / "new" / "report_1.png").stat().st_size > 1000
    plt.close(figure)
