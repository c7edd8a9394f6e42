"""Say in words what was run, read from the trained network, its history and the study, and keep it on a page.

Nothing here is typed by hand, so a report cannot name another rate, schedule or budget than the one that was used.
"""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("keras", "tensorflow", "tensorflow-cpu", "optuna", "scikit-learn", "numpy")


def describe_network(model):
    """Return what a Keras network consists of: layers that compute, with units, activation and dropout.

    Parameters
    ----------
    model : keras.Model
        Any network; layers that compute nothing of their own are not named.

    Returns
    -------
    str
        Such as "64 relu, dropout 0.2, 10 softmax; 55,050 weights and biases".
    """
    parts = [part for layer in model.layers for part in _described(layer)]
    return f"{', '.join(parts)}; {model.count_params():,} weights and biases"


def _described(layer):
    """None, one or two words for a layer; an activation of its own counts with the layer before it."""
    config, kind = layer.get_config(), type(layer).__name__
    if kind == "Dense":
        name = config["activation"] if isinstance(config["activation"], str) else "custom"
        yield f"{config['units']} units" if name == "linear" else f"{config['units']} units with {name}"
    elif kind == "Conv2D":
        yield f"{config['filters']} filters with {config['activation']}"
    elif kind == "Activation":
        yield str(config["activation"])
    elif kind == "Dropout":
        yield f"dropout {config['rate']:g}"
    elif kind in ("BatchNormalization", "LayerNormalization", "PReLU"):
        yield kind


def describe_training(model, *, examples, batch_size):
    """Return how a network was trained: optimizer, rate or schedule, weight decay, steps and epochs.

    Parameters
    ----------
    model : keras.Model
        Compiled once, and trained.
    examples, batch_size : int
        How many it was trained on, and how many in a step.

    Returns
    -------
    str
    """
    optimizer, steps = model.optimizer, int(model.optimizer.iterations)
    decay = f", weight decay {optimizer.weight_decay:g}" if optimizer.weight_decay else ""
    rate = f"{type(optimizer).__name__} with {describe_rate(optimizer)}{decay}"
    epochs = steps / -(-examples // batch_size)
    return f"{rate}; {steps:,} steps of {batch_size} examples, {epochs:.3g} epochs of {examples:,}"


def describe_rate(optimizer):
    """Return the learning rate of a Keras optimizer in words, or its schedule with all of its numbers."""
    rate = optimizer.get_config()["learning_rate"]
    if not isinstance(rate, dict):
        return f"a constant rate of {float(rate):.3g}"
    numbers = {name: value for name, value in rate["config"].items() if isinstance(value, int | float | list)}
    listed = ", ".join(f"{name.replace('_', ' ')} {_short(value)}" for name, value in numbers.items())
    return f"the schedule {rate['class_name']} ({listed})"


def _short(value):
    return "/".join(map(_short, value)) if isinstance(value, list) else f"{value:.4g}"


def describe_search(study):
    """Return what an Optuna study tried: the space, trials by state, and the seconds that they took.

    Parameters
    ----------
    study : optuna.Study
        With one trial or more.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If it has no trial.
    """
    trials = study.trials
    if not trials:
        raise ValueError(f"The study {study.study_name!r} has no trial yet: run the search first.")
    states = [trial.state.name.lower() for trial in trials]
    counted = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(sorted(states)))
    seconds = sum(trial.duration.total_seconds() for trial in trials if trial.duration)
    space = {name: values for trial in trials for name, values in trial.distributions.items()}
    listed = "; ".join(f"{name} {_values(values)}" for name, values in space.items())
    method = f"{type(study.sampler).__name__} with {type(study.pruner).__name__}"
    return f"{len(trials)} trials ({counted}) in {seconds:.0f} seconds of training by {method}; space: {listed}"


def _values(distribution):
    if hasattr(distribution, "choices"):
        return ", ".join(map(str, distribution.choices))
    log = ", on a log scale" if getattr(distribution, "log", False) else ""
    return f"{distribution.low:g} to {distribution.high:g}{log}"


def versions():
    """Return the versions of Python and of the packages on which results depend, in a line."""
    found = {"Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # TensorFlow has one of two names
    return ", ".join(f"{name} {number}" for name, number in found.items())


def write_page(path, *, title, sections, figures=None):
    """Write a report as a Markdown page that ends with the versions of what was used, its figures beside it.

    Parameters
    ----------
    path : path
        Of the page, such as "report.md"; its folder is made if it is missing.
    title : str
        The heading of the page.
    sections : dict of str to str
        Heading to text.
    figures : dict of str to matplotlib.figure.Figure, optional
        What a figure shows, in words, to the figure.

    Returns
    -------
    pathlib.Path
        Of the page.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    sections = {**sections, "Versions": versions()}
    lines = [f"# {title}", *(f"## {heading}\n\n{text}" for heading, text in sections.items())]
    for number, (what, figure) in enumerate((figures or {}).items(), start=1):
        name = f"{path.stem}_{number}.png"
        figure.savefig(path.with_name(name), dpi=150)
        lines.append(f"![{what}]({name})")
    path.write_text("\n\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    return path
