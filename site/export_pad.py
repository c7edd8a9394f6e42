"""Write a digit pad for a page that has no kernel: what `page/pad.js` reads."""

import base64
import hashlib
from pathlib import Path

import keras
import numpy as np

ACTIVATIONS = ("elu", "leaky_relu", "linear", "relu", "sigmoid", "silu", "softmax", "tanh")
SENTENCE = "Draw a digit here, and see what each network makes of it."


def export_pad(pad, folder):
    """Write the networks of a digit pad into a folder, and return what else the page needs.

    Parameters
    ----------
    pad : nbhelpers.widgets.pad.DigitPad
        Its networks are of `keras.Sequential`, of layers that a page can compute: Flatten, Dropout, Rescaling by
        one number, and, from values in one row, Dense and Activation with one of `ACTIVATIONS`.
    folder : str or Path
        Made if missing. Each network becomes a file of float32, little-endian: of each dense layer its kernel, row
        by row, then its bias, if any. Its name holds a hash of the content, so pads may share a folder.

    Returns
    -------
    dict
        As JSON takes it: ``kind``, which is "pad"; ``traits``, what the pad shows, with ``seen`` in base64; and
        ``networks``, for each the ``name``, the ``file`` and the ``layers``.

    Raises
    ------
    ValueError
        If a network, or a layer of it, is none that a page can compute; then nothing is written.
    """
    networks = [{"name": name, **_network(name, model)} for name, model in pad.models.items()]
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for network in networks:
        numbers = network.pop("numbers")
        network["file"] = f"network-{hashlib.sha256(numbers).hexdigest()[:16]}.bin"
        (folder / network["file"]).write_bytes(numbers)
    traits = {name: getattr(pad, name) for name in ("names", "probabilities", "problem")}
    seen = base64.b64encode(pad.seen).decode()
    return {"kind": "pad", "traits": {**traits, "seen": seen, "sentence": SENTENCE}, "networks": networks}


def _network(name, model):
    """Describe the layers of a network, and gather its numbers as bytes."""
    if not isinstance(model, keras.Sequential):
        raise ValueError(
            f"A page cannot compute the network {name!r}, a {type(model).__name__}: only keras.Sequential."
        )
    layers, numbers = [], b""
    for layer in model.layers:
        if type(layer) in (keras.layers.Flatten, keras.layers.Dropout):
            continue  # the page has its values in one row from the start, and never drops any
        if (described := _describe(layer)) is None:
            raise ValueError(
                f"A page cannot compute the layer {layer.name!r}, {type(layer).__name__}, of the network {name!r}. It "
                "can compute Flatten, Dropout, Rescaling by one number, and, from values in one row, Dense and "
                f"Activation with {', '.join(ACTIVATIONS)}."
            )
        layers.append(described)
        for array in layer.get_weights():
            numbers += array.astype("<f4").tobytes()
    return {"layers": layers, "numbers": numbers}


def _describe(layer):
    """Return a layer as the page takes it, None if it cannot."""
    kind = type(layer)
    if kind is keras.layers.Rescaling and np.size(layer.scale) == np.size(layer.offset) == 1:
        return {"kind": "rescaling", "scale": float(layer.scale), "offset": float(layer.offset)}
    known = {keras.activations.get(name): name for name in ACTIVATIONS}
    if kind not in (keras.layers.Activation, keras.layers.Dense) or len(layer.input.shape) != 2:
        return None
    if layer.activation not in known:
        return None
    described = {"kind": kind.__name__.lower(), "activation": known[layer.activation]}
    return described if kind is keras.layers.Activation else described | {"units": layer.units, "bias": layer.use_bias}
