"""The digit pad on a page without a kernel sees and says what it does in JupyterLab."""

import base64
import json
import re
import shutil

import keras
import numpy as np
import pytest
from playwright.sync_api import expect

from export_pad import ACTIVATIONS, export_pad
from nbhelpers.data import load_mnist
from nbhelpers.models import batches, build_mlp
from nbhelpers.widgets import digit_pad
from nbhelpers.widgets.base import FOLDER, script
from nbhelpers.widgets.pad import as_mnist, probabilities_of
from tests.browser.conftest import ROOT
from tests.drawings import DIGITS

PAGE = """<!doctype html>
<html lang="en"><title>The digit pad</title><link rel="icon" href="data:,"><link rel="stylesheet" href="widgets.css">
<div id="pad"></div>
<script type="module">
  import { asMnist, connect, probabilities } from "./page/pad.js";
  import widget from "./widget.js";
  const description = await (await fetch("pad.json")).json();
  const model = await connect(description, new URL("networks/", location).href);
  const send = model.send.bind(model);
  model.send = (message, callbacks, buffers) => {
    window.sent = buffers;
    return (window.answered = Promise.all([window.answered, send(message, callbacks, buffers)]));
  };
  widget.render({ model, el: document.getElementById("pad") });
  Object.assign(window, { asMnist, model, probabilities });
</script>
"""
ODD = {
    "a dot": [[(0.5, 0.5), (0.5, 0.5)]],
    "a long stroke": [[(0.05, 0.5), (0.95, 0.51)]],
    "a stroke at the edge": [[(0.999, 0.1), (0.99, 0.95)]],
    "a dot in a corner": [[(0.001, 0.001), (0.001, 0.001)]],
    "two dots far apart": [[(0.1, 0.1), (0.1, 0.1)], [(0.95, 0.3), (0.95, 0.3)]],
}


@pytest.fixture(scope="module")
def networks():
    train = load_mnist("train", n=10_000)
    keras.utils.set_random_seed(0)
    networks = {"no hidden layer": build_mlp(()), "100 hidden units": build_mlp((100,))}
    for model in networks.values():
        model.fit(batches(*train), epochs=5, shuffle=False, verbose=0)
    return networks


@pytest.fixture(scope="module")
def site(served, networks):
    """A bare page with the pad, as the site has it; return its address."""
    folder, address = served
    shutil.copytree(ROOT / "site" / "page", folder / "page")
    shutil.copy(FOLDER / "widgets.css", folder)
    (folder / "widget.js").write_text(script("pad.js"), encoding="utf-8")
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    pad = digit_pad(networks, example=load_mnist("valid", n=4)[0][3])
    (folder / "pad.json").write_text(json.dumps(export_pad(pad, folder / "networks")), encoding="utf-8")
    return address


@pytest.fixture
def page(browser, site):
    """The open page; an error of a script, and a request to elsewhere, fail the test."""
    context = browser.new_context(viewport={"width": 1000, "height": 700})
    page = context.new_page()
    page.asked, errors = [], []
    context.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(error))
    page.goto(site)
    page.wait_for_function("() => window.model")
    yield page
    context.close()
    assert not errors
    assert not [url for url in page.asked if not url.startswith((site, "data:"))]


def draw(page, strokes):
    """Draw with the mouse, as a reader does."""
    box = page.locator("canvas.pad").bounding_box()
    for stroke in strokes:
        (x, y), *others = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(x, y)
        page.mouse.down()
        for x, y in others:
            page.mouse.move(x, y)
        page.mouse.up()


def fetched(page):
    return [url for url in page.asked if url.endswith(".bin")]


def test_the_page_sees_and_says_what_python_does(page, networks):
    for strokes in [*DIGITS.values(), *ODD.values()]:
        page.get_by_role("button", name="Clear").click()
        draw(page, strokes)
        page.evaluate("async () => { await answered }")
        sent = page.evaluate("btoa(Array.from(new Uint8Array(sent[0]), byte => String.fromCharCode(byte)).join(''))")
        ink = np.frombuffer(base64.b64decode(sent), np.uint8).reshape(280, 280)
        image = as_mnist(ink)
        found = page.evaluate("[...asMnist(new Uint8Array(window.sent[0]), 280, 280)]")
        assert np.reshape(found, (28, 28)) == pytest.approx(image, abs=1e-3)
        seen = page.evaluate("[...new Uint8Array(model.get('seen').buffer)]")
        assert seen == (image * 255).round().ravel().tolist()
        expected = [probabilities_of(name, model, image) for name, model in networks.items()]
        assert np.array(page.evaluate("model.get('probabilities')")) == pytest.approx(np.array(expected), abs=1e-3)


def test_an_image_is_prepared_as_by_python_whatever_its_shape(page):
    generator = np.random.default_rng(0)
    for shape in [(280, 173), (31, 280), (20, 20), (7, 5), (1, 1), (1, 8), (3, 280), (157, 141)]:
        for ink in (generator.integers(0, 256, shape), np.full(shape, 255), generator.integers(0, 2, shape) * 255):
            ink.flat[-1] = 200
            script = "([ink, shape]) => [...asMnist(Uint8Array.from(ink), ...shape)]"
            found = page.evaluate(script, [ink.ravel().tolist(), shape])
            assert np.reshape(found, (28, 28)) == pytest.approx(as_mnist(ink), abs=1e-3)


def test_a_reader_draws_and_clears(page):
    said = page.locator(".said")
    expect(said).to_have_text(
        re.compile(r"no hidden layer says \d \(\d\.\d\d\), 100 hidden units says \d \(\d\.\d\d\)")
    )
    assert not fetched(page), "the example is shown without the networks"
    draw(page, DIGITS[3])
    expect(said).to_have_text(re.compile(r"no hidden layer says 3 \(0\.\d\d\), 100 hidden units says 3 \([01]\.\d\d\)"))
    meters = page.locator("meter").evaluate_all("all => all.map(meter => meter.value)")
    assert len(meters) == 20 and sum(meters) == pytest.approx(2, abs=1e-3)
    page.get_by_role("button", name="Clear").click()
    expect(said).to_be_empty()
    assert not page.locator("canvas.seen").evaluate(
        "c => c.getContext('2d').getImageData(0, 0, 28, 28).data.some((value) => value)"
    )
    draw(page, DIGITS[7])
    expect(said).to_contain_text("100 hidden units says 7")
    assert len(fetched(page)) == 2, "each network is fetched once"
    expect(page.locator(".silence")).to_be_empty()


def test_a_clear_wins_over_networks_that_are_slow(page):
    held = []
    page.route("**/*.bin", lambda route: held.append(route))
    draw(page, DIGITS[3])
    expect(page.locator(".silence")).to_have_text(re.compile("^The networks have not arrived yet"))
    page.get_by_role("button", name="Clear").click()
    expect(page.locator(".said")).to_be_empty()
    for route in held:
        route.continue_()
    page.evaluate("async () => { await answered }")
    expect(page.locator(".silence")).to_be_empty()
    expect(page.locator(".said")).to_be_empty()
    draw(page, DIGITS[1])
    expect(page.locator(".said")).to_contain_text("100 hidden units says 1")


def test_a_network_that_does_not_arrive_is_named_and_asked_for_again(page):
    page.route("**/*.bin", lambda route: route.fulfill(status=503))
    draw(page, DIGITS[7])
    problem = page.locator("pre[role=alert]")
    expect(problem).to_contain_text("The network '100 hidden units' could not be fetched (status 503): draw again")
    expect(page.locator(".said")).to_have_text("no hidden layer failed, 100 hidden units failed")
    page.unroute("**/*.bin")
    page.get_by_role("button", name="Clear").click()
    expect(problem).to_be_empty()
    draw(page, DIGITS[7])
    expect(page.locator(".said")).to_contain_text("100 hidden units says 7")


def test_no_ink_is_a_sentence(page):
    page.evaluate("model.send({ do: 'read', height: 280, width: 280, number: '1' }, null, [new ArrayBuffer(78400)])")
    expect(page.locator("pre[role=alert]")).to_have_text("There is no ink in the drawing: draw a digit first.")


def sequential(*layers):
    keras.utils.set_random_seed(1)
    return keras.Sequential([keras.Input((28, 28)), *layers])


L = keras.layers
COMPUTED = {
    "rescaled": [L.Rescaling(2.0, offset=-1.0), L.Flatten(), L.Dense(9, "tanh"), L.Dense(10, "softmax")],
    "no bias": [L.Flatten(), L.Dense(9, use_bias=False), L.Activation("relu"), L.Dropout(0.5), L.Dense(10, "sigmoid")],
    **{name: [L.Flatten(), L.Dense(9, name), L.Dense(10)] for name in ACTIVATIONS},
}


@pytest.mark.parametrize("name", COMPUTED)
def test_layers_are_computed_as_by_keras(page, tmp_path, name):
    model = sequential(*COMPUTED[name])
    for variable in model.trainable_variables:  # biases begin at zero, and would not show
        variable.assign(keras.random.normal(variable.shape, stddev=0.3, seed=1))
    (network,) = export_pad(digit_pad({name: model}), tmp_path)["networks"]
    image = load_mnist("valid", n=1)[0][0]
    numbers = np.frombuffer((tmp_path / network["file"]).read_bytes(), "<f4").tolist()
    found = page.evaluate(
        "([layers, numbers, image]) => probabilities({ layers, weights: Float32Array.from(numbers) }, image)",
        [network["layers"], numbers, image.ravel().tolist()],
    )
    assert found == pytest.approx(probabilities_of(name, model, image), abs=1e-4)


def test_a_network_that_diverged_is_named(page):
    page.route("**/*.bin", lambda route: route.fulfill(body=np.full(79_510, np.nan, "<f4").tobytes()))
    draw(page, DIGITS[7])
    problem = page.locator("pre[role=alert]")
    expect(problem).to_contain_text("The network 'no hidden layer' returns numbers that are not finite: did its")
    expect(page.locator(".said")).to_have_text("no hidden layer failed, 100 hidden units failed")


def test_what_is_exported_is_what_the_pad_shows(networks, tmp_path):
    pad = digit_pad(networks, example=load_mnist("valid", n=1)[0][0])
    description = json.loads(json.dumps(export_pad(pad, tmp_path / "new")))
    traits = description["traits"]
    assert base64.b64decode(traits["seen"]) == pad.seen
    assert (traits["names"], traits["probabilities"], traits["problem"]) == (pad.names, pad.probabilities, "")
    sizes = [(tmp_path / "new" / network["file"]).stat().st_size for network in description["networks"]]
    assert sizes == [4 * model.count_params() for model in networks.values()]
    assert "cell" not in traits["sentence"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda images: np.full((1, 10), 0.1), "the network 'mine', a function"),
        (
            sequential(L.Flatten(), L.BatchNormalization(name="norm"), L.Dense(10)),
            "'norm', BatchNormalization, of .*'mine'",
        ),
        (sequential(L.Flatten(), L.Dense(10, "gelu", name="last")), "'last', Dense"),
        (sequential(L.Dense(10, name="first"), L.Flatten(), L.Dense(10)), "'first', Dense"),
        (sequential(L.Rescaling([[1.0] * 28], name="rows"), L.Flatten(), L.Dense(10)), "'rows', Rescaling"),
    ],
)
def test_what_a_page_cannot_compute_is_named(model, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        export_pad(digit_pad({"mine": model}), tmp_path / "new")
    assert not (tmp_path / "new").exists()
