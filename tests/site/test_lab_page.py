"""On a page without a kernel, a reader trains in the live lab, which replays recorded runs."""

import csv
import io
import json
import random
import re
import shutil
import types

import numpy as np
import pytest
from playwright.sync_api import expect

from nbhelpers.data import load_mnist1d, load_runs
from nbhelpers.widgets import live_lab
from nbhelpers.widgets.base import FOLDER, script
from nbhelpers.widgets.lab.curves import describe, recorded_history
from nbhelpers.widgets.lab.settings import DEFAULTS
from nbhelpers.widgets.lab.tasks import TASKS
from nbhelpers.widgets.lab.widget import _cell, _outcome, _row, _table
from tests.browser.test_live_lab import press_train, row, set_to, wait_for_status
from tests.site.conftest import ROOT, serving

CONTROLS = ["hidden_layers", "units", "learning_rate", "epochs", "training_images"]  # as in lessons 02 and 03
METRICS = ["loss", "accuracy", "val_loss", "val_accuracy"]
TASK = {task.name: task for task in TASKS}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>The live lab</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="widgets.css"><main></main>
<script type="module">
import { connect } from "./page/lab.js";
import widget from "./lab.js";
const asked = new URLSearchParams(location.search);
const description = await (await fetch(asked.get("lab") + ".json")).json();
const model = await connect(description, "data", { seconds: Number(asked.get("seconds")) });
widget.render({ model, el: document.querySelector("main") });
</script></html>"""
REPLAYED = " This is a recorded run, replayed."


@pytest.fixture(scope="module")
def atlas():
    """The atlas of each task."""
    return {task: load_runs("atlas", task=task) for task in TASK}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, atlas):
    """A folder with pages of two labs: "few.json" has the controls of a lesson, "all.json" has all."""
    from export_lab import export_lab

    home = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "site" / "page", home / "page")
    shutil.copy(FOLDER / "widgets.css", home)
    (home / "lab.js").write_text(script("lab.js"), "utf-8")
    (home / "index.html").write_text(PAGE, "utf-8")
    data = load_mnist1d("train"), load_mnist1d("valid")
    for name, controls in [("few", CONTROLS), ("all", None)]:
        lab = live_lab(*data, controls=controls, recorded=atlas["mnist1d"])
        (home / f"{name}.json").write_text(json.dumps(export_lab(lab, home / "data")), "utf-8")
    return home


@pytest.fixture(scope="module")
def address(folder):
    with serving(folder) as address:
        yield address.rstrip("/")


@pytest.fixture
def page(browser, address):
    """A new page, with the list `fetched` of the addresses that it asked for, which are all of this machine."""
    context = browser.new_context(viewport={"width": 900, "height": 1000}, device_scale_factor=2)
    page = context.new_page()
    page.fetched, wrong = [], []
    page.on("request", lambda request: page.fetched.append(request.url))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    context.close()
    assert not wrong
    elsewhere = [url for url in page.fetched if not url.startswith((address, "blob:", "data:"))]
    assert not elsewhere, f"the page asked for {elsewhere}"


def open_lab(page, address, *, lab="few", seconds=0.1):
    page.goto(f"{address}/index.html?lab={lab}&seconds={seconds}")
    live = page.locator(".live-lab")
    expect(live.locator("img")).to_have_attribute("alt", "Loss and accuracy, without a curve so far")
    return live


def as_in_python(atlas, task, settings, *, number=1, guess=None, points=None, status="finished"):
    """A run of the live lab that has the recorded history, and the band of recorded runs."""
    settings = TASK[task].defaults | settings
    band = recorded_history(atlas[task], settings)
    mine = band.sel(seed=settings["seed"]).isel(epoch=slice(points))
    history = {name: [round(x, 6) for x in mine[name].values.tolist()] for name in METRICS}
    history["epoch"] = mine.epoch.values.astype(float).tolist()
    run = types.SimpleNamespace(number=number, status=status, history=history, guess=guess, settings=settings)
    run.problem = None
    return run, band


def says(run, band, others=()):
    """What the page must say of a run: its note, and the picture in words."""
    return _outcome(run) + REPLAYED, f"{describe(run, others, band)}; all runs are recorded ones, replayed"


def texts_of_row(run, task):
    names = [*CONTROLS, "seed"]
    cells = {name: _cell(value)[0] for name, value in _row(run).items()}
    outcomes = [cells[name] for name in ["run", "status", "epochs_done", "val_accuracy", "guess", "off_by"]]
    return [*outcomes, TASK[task].title, *(cells[name] for name in names)]


def cells(live, place):
    return row(live, place).locator("td").all_inner_texts()[1:]


def save(page, live):
    """Save the table; return its text."""
    with page.expect_download() as download:
        live.get_by_role("button", name="Save the table").press("Enter")
    with open(download.value.path(), newline="", encoding="utf-8") as file:
        return file.read()


def without_task(text):
    """The saved table without its last column, and that column."""
    lines = [line.rsplit(",", 1) for line in text.splitlines()]
    return "\n".join(line for line, _ in lines) + "\n", [task for _, task in lines]


def test_a_reader_replays_what_was_recorded_and_reads_the_same_as_of_a_live_run(page, address, atlas):
    live = open_lab(page, address)
    assert not any("/data/" in url for url in page.fetched), "fetched before Train was pressed"
    set_to(live, units="32", hidden_layers="2", seed="3")
    live.get_by_role("button", name="Train", exact=True).press("Enter")
    expect(live).to_contain_text("What do you expect?")
    assert not any("/data/" in url for url in page.fetched), "fetched before a training"
    press_train(live, guess="0.5")
    wait_for_status(live, 0, "finished")
    settings = {"units": 32, "hidden_layers": 2, "seed": 3}
    first, band = as_in_python(atlas, "mnist1d", settings, guess=0.5)
    assert first.history["val_accuracy"][-1] == pytest.approx(float(atlas["mnist1d"].val_accuracy.sel(
        units=32, hidden_layers=2, seed=3, activation="relu", batch_norm=False, optimizer="adam",
        learning_rate=0.001, dropout=0, epoch=54,
    )), abs=1e-6)  # fmt: skip
    note, alt = says(first, band)
    assert re.search(r"You guessed 0\.5, 0\.\d+ too (high|low)\.", note)
    expect(live).to_contain_text(note)
    expect(live.locator("img")).to_have_attribute("alt", alt)
    assert cells(live, 0) == texts_of_row(first, "mnist1d")
    # Another one, beside the first.
    set_to(live, units="8", epochs="20")
    press_train(live, guess="1")
    wait_for_status(live, 1, "finished")
    live.get_by_label("draw run 1").press("Space")
    second, band = as_in_python(atlas, "mnist1d", settings | {"units": 8, "epochs": 20}, number=2, guess=1)
    note, alt = says(second, band, [first])
    expect(live).to_contain_text(note)
    expect(live.locator("img")).to_have_attribute("alt", alt)
    assert "beside it run 1" in alt
    saved, tasks = without_task(save(page, live))
    assert saved == _table([first, second]).to_csv(index=False)
    assert tasks == ["task", "MNIST-1D", "MNIST-1D"]
    # The settings of the first again: the same run.
    set_to(live, units="32", epochs="54")
    press_train(live, guess="0.5")
    wait_for_status(live, 2, "finished")
    assert cells(live, 2)[1:] == cells(live, 0)[1:]
    assert sum(url.endswith(".bin") for url in page.fetched) == 1, "a piece is fetched once"


def test_a_replay_does_not_wait_until_the_browser_is_idle(page, address):
    page.add_init_script("HTMLCanvasElement.prototype.toBlob = window.requestIdleCallback = () => {}")
    live = open_lab(page, address)
    press_train(live)
    wait_for_status(live, 0, "finished")
    expect(live.locator("img")).to_have_attribute("alt", re.compile("up to 54:"))


def test_where_drawing_is_slow_pictures_are_left_out_but_not_the_last(page, address):
    page.add_init_script("""
        const draw = HTMLCanvasElement.prototype.toDataURL;
        window.drawn = 0;
        HTMLCanvasElement.prototype.toDataURL = function (...options) {
          window.drawn += 1;
          for (const begin = performance.now(); performance.now() < begin + 50; );
          return draw.apply(this, options);
        };
    """)
    live = open_lab(page, address, seconds=0.5)
    before = page.evaluate("() => window.drawn")
    press_train(live)
    wait_for_status(live, 0, "finished")
    expect(live.locator("img")).to_have_attribute("alt", re.compile("up to 54:"))
    assert 2 <= page.evaluate("() => window.drawn") - before < 20, "of 27 pictures"


def test_a_training_stops_where_it_is(page, address, atlas):
    live = open_lab(page, address, seconds=20)
    stop = live.get_by_role("button", name="Stop")
    press_train(live, guess="0.4")
    expect(live).to_contain_text("Run 1 is in training." + REPLAYED)
    expect(live).to_contain_text(re.compile(r"epoch [1-9]\d*\.0 of 54"))
    done, told = live.locator("progress").evaluate("bar => [bar.value, bar.nextSibling.textContent]")
    assert told == f"epoch {54 * done:.1f} of 54"
    stop.press("Enter")
    wait_for_status(live, 0, "stopped")
    expect(stop).to_have_attribute("aria-disabled", "true")
    points = int(cells(live, 0)[2]) // 2
    run, band = as_in_python(atlas, "mnist1d", {}, guess=0.4, points=points, status="stopped")
    note, alt = says(run, band)
    expect(live).to_contain_text(note)
    assert "guessed" not in note
    expect(live.locator("img")).to_have_attribute("alt", alt)
    page.wait_for_timeout(1500)
    assert cells(live, 0) == texts_of_row(run, "mnist1d"), "it goes on"
    saved, _ = without_task(save(page, live))
    assert saved == _table([run]).to_csv(index=False)


def lost(runs, when):
    """Settings of a recorded run whose loss is not finite after some scores, or from the first on; and how many."""
    finite = (np.isfinite(runs.loss) & np.isfinite(runs.val_loss)).stack(
        run=[d for d in runs.loss.dims if d != "epoch"]
    )
    points = finite.cumprod("epoch").sum("epoch")
    (found, *_) = points[(points > 0) & (points < 27) if when == "late" else points == 0]
    settings = {name: found[name].item() for name in ("hidden_layers", "units", "learning_rate", "dropout", "seed")}
    others = {"activation": found.activation.item(), "optimizer": found.optimizer.item()}
    assert others == {"activation": "relu", "optimizer": "adam"} and not found.batch_norm
    return settings, int(found)


@pytest.mark.parametrize("when", ["late", "at once"])
def test_a_loss_that_is_not_finite_ends_the_run(page, address, atlas, when):
    settings, points = lost(atlas["mnist1d"], when)
    live = open_lab(page, address, lab="all")
    set_to(live, **{name: f"{value:g}" for name, value in settings.items()})
    press_train(live)
    wait_for_status(live, 0, "diverged")
    run, _ = as_in_python(atlas, "mnist1d", settings, guess=0.5, points=points, status="diverged")
    assert cells(live, 0)[:6] == texts_of_row(run, "mnist1d")[:6]
    expect(live).to_contain_text(says(run, None)[0] if points else "Run 1 diverged. The loss is not finite any more")
    expect(live).to_contain_text("The loss is not finite any more: the steps were too large.")


def test_what_was_not_recorded_is_named_with_what_was(page, address):
    live = open_lab(page, address, lab="all")
    problem = live.locator("pre[role=alert]")
    options = {"units": "256", "seed": "7", "epochs": "5", "schedule": "cosine"}
    set_to(live, **{name: f"{text} (not recorded)" for name, text in options.items()})
    press_train(live, guess="0.6")
    expect(problem).to_contain_text("Not recorded on MNIST-1D: units 256 (recorded: 8, 16, 32, 64, 128)")
    for part in (
        "seed 7 (recorded: 0, 1, 2, 3, 4)",
        "epochs 5 (recorded: 2, 8, 10, 20, 30, 54)",
        "schedule cosine (recorded: constant)",
        "the installed course trains with these settings",
    ):
        expect(problem).to_contain_text(part)
    expect(live.get_by_label("Your guess")).to_have_value("0.6")
    assert live.locator("tbody tr").count() == 0
    assert not any("/data/" in url for url in page.fetched)
    # A guess that cannot be.
    set_to(live, units="128", seed="4", epochs="2", schedule="constant")
    press_train(live, guess="7")
    expect(problem).to_contain_text("Guess an accuracy from 0 to 1")
    assert live.locator("tbody tr").count() == 0
    press_train(live, guess="0.2")
    wait_for_status(live, 0, "finished")
    expect(problem).to_be_empty()


def test_a_run_that_cannot_be_fetched_is_said_and_fetched_later(page, address):
    live = open_lab(page, address)
    page.route("**/*.bin", lambda route: route.abort())
    press_train(live)
    wait_for_status(live, 0, "failed")
    expect(live.locator("pre[role=alert]")).to_contain_text("could not be fetched")
    assert "could not be fetched" in next(csv.DictReader(io.StringIO(save(page, live))))["problem"]
    page.unroute("**/*.bin")
    press_train(live)
    wait_for_status(live, 1, "finished")
    expect(live.locator("pre[role=alert]")).to_be_empty()


def test_the_other_task_has_its_settings_and_its_runs_and_a_picture_of_its_own(page, address, atlas):
    live = open_lab(page, address)
    menu = live.get_by_label("task", exact=True)
    expect(menu.locator("option:checked")).to_have_text("MNIST-1D")
    set_to(live, units="128")
    press_train(live)
    wait_for_status(live, 0, "finished")
    set_to(live, epochs="2", task="MNIST")
    for label, text in [("epochs", "10"), ("training images", "10000"), ("units", "128")]:
        expect(live.get_by_label(label, exact=True)).to_have_attribute("aria-valuetext", text)
    assert live.get_by_label("training signals", exact=True).count() == 0
    press_train(live, guess="0.97")
    wait_for_status(live, 1, "finished")
    second, band = as_in_python(atlas, "mnist", {"units": 128}, number=2, guess=0.97)
    note, alt = says(second, band)
    expect(live).to_contain_text(note)
    assert cells(live, 1) == texts_of_row(second, "mnist")
    expect(live.locator("thead")).to_contain_text("training signals or training images")
    expect(live.locator("img")).to_have_attribute("alt", alt)
    before = live.locator("img").get_attribute("src")
    live.get_by_label("draw run 1").press("Space")
    expect(live.locator("img")).not_to_have_attribute("src", before)
    expect(live).to_contain_text("Not drawn beside a run on MNIST: run 1 on MNIST-1D.")
    expect(live.locator("img")).to_have_attribute("alt", alt)
    first, _ = as_in_python(atlas, "mnist1d", {"units": 128}, guess=0.5)
    saved, tasks = without_task(save(page, live))
    assert saved == _table([first, second]).to_csv(index=False)
    assert tasks == ["task", "MNIST-1D", "MNIST"]
    # And back.
    set_to(live, training_images="50000 (not recorded)", task="MNIST-1D")
    for label, text in [("epochs", "54"), ("training signals", "4000")]:
        expect(live.get_by_label(label, exact=True)).to_have_attribute("aria-valuetext", text)
    press_train(live)
    wait_for_status(live, 2, "finished")
    expect(live.locator("img")).to_have_attribute("alt", re.compile("run 3 .* beside it run 1;"))
    expect(live).not_to_contain_text("Not drawn")


def test_every_control_is_reached_by_keyboard_and_has_a_name(page, address):
    live = open_lab(page, address, lab="all")
    for place in range(2):
        press_train(live)
        wait_for_status(live, place, "finished")
    controls = live.locator("input:visible:enabled, select:visible, button:visible")
    assert controls.count() > 40
    controls.first.focus()
    for i in range(controls.count()):
        expect(controls.nth(i)).to_be_focused()
        name = "c => c.labels?.[0]?.textContent || c.textContent || c.getAttribute('aria-label')"
        assert controls.nth(i).evaluate(name)
        page.keyboard.press("Tab")
        if i + 1 < controls.count() and not controls.nth(i + 1).evaluate("c => c === document.activeElement"):
            page.keyboard.press("Tab")  # past the table, which scrolls and so takes a focus of its own


def random_settings(task, runs, options, count):
    """Settings that were recorded, half of them with another option of one or two hyperparameters."""
    draw = random.Random(0)
    for i in range(count):
        recorded = {name: draw.choice(runs[name].values.tolist()) for name in runs.loss.dims if name != "epoch"}
        recorded["batch_norm"] = "before" if recorded["batch_norm"] else "none"
        epochs = draw.choice([n for n in options["epochs"] if n in runs.epoch])
        changed = draw.sample(list(DEFAULTS), draw.choice([1, 2])) if i % 2 else []
        others = {name: draw.choice(options[name]) for name in changed}
        yield TASK[task].defaults | recorded | {"epochs": epochs} | others


FIND = """async ([lab, task, all]) => {
  const { notRecorded, recordedRuns, fetcher } = await import("./page/atlas.js");
  const { tasks } = await (await fetch(`${lab}.json`)).json();
  const get = fetcher("data");
  return Promise.all(all.map(async (places) => {
    const missing = notRecorded(tasks[task], places);
    return { missing, runs: missing.length ? null : JSON.stringify(await recordedRuns(get, tasks[task], places)) };
  }));
}"""


@pytest.mark.parametrize("task", TASK)
def test_what_was_recorded_and_where_is_what_python_says(page, address, folder, atlas, task):
    described = json.loads((folder / "all.json").read_text("utf-8"))["tasks"][task]["options"]
    options = {name: [option["value"] for option in described[name]] for name in DEFAULTS}
    tried = list(random_settings(task, atlas[task], options, 400))
    open_lab(page, address, lab="all")
    places = [{name: options[name].index(value) for name, value in settings.items()} for settings in tried]
    found = page.evaluate(FIND, ["all", task, places])
    replayed = 0
    for settings, answer in zip(tried, found, strict=True):
        band = recorded_history(atlas[task], settings)
        # A band may end early; a run must have its last epoch, and a seed of its own.
        whole = band is not None and band.epoch[-1] == settings["epochs"] and settings["seed"] in band.seed
        assert whole == (not answer["missing"]), (settings, answer["missing"])
        if whole:
            replayed += 1
            check_runs(json.loads(answer["runs"]), band)
    assert 200 < replayed < 380


def check_runs(runs, band):
    assert runs["epochs"] == band.epoch.values.tolist()
    for name in METRICS:
        values = np.array(runs[name], dtype=float)  # JSON has null for what is not finite
        recorded = band[name].transpose("seed", "epoch").values
        recorded = np.where(np.isfinite(recorded), recorded, np.nan)
        np.testing.assert_allclose(values, recorded, rtol=0 if "accuracy" in name else 5e-4, atol=1e-7)


def test_numbers_are_written_as_python_writes_them(page, address):
    draw = random.Random(0)
    values = [0.0, 1.0, 0.0625, 0.6875, 0.15625, 1e-5, 5e-5, 0.00012345, 0.9999999, 123456.7, 1e16, -0.5, 54.0, 2.5]
    values += [round(draw.random(), 4) - round(draw.random(), draw.choice([1, 2, 4])) for _ in range(500)]
    values += [n / 16 - m / 32 for n in range(5) for m in range(9)]
    values = [value for value in values if str(value) != "-0.0"]
    open_lab(page, address)
    written = page.evaluate(
        """async (values) => {
          const { fixed, general, literal } = await import("./page/numbers.js");
          return values.map((v) => [fixed(v, 3), fixed(v, 1), general(v, 3), general(v, 4), general(v), literal(v)]);
        }""",
        values,
    )
    for value, texts in zip(values, written, strict=True):
        expected = [f"{value:.3f}", f"{value:.1f}", f"{value:.3g}", f"{value:.4g}", f"{value:g}", repr(float(value))]
        assert texts == expected


ZOOM = """async (states) => {
  const { curvesOf, limits } = await import("./page/curves.js");
  return states.map(({ metric, state }) => limits(curvesOf(metric, state)));
}"""


def test_the_vertical_axis_is_that_of_the_live_lab(page, address, atlas):
    from nbhelpers.widgets.base import new_figure
    from nbhelpers.widgets.lab.curves import plot_runs

    states, expected = [], []
    for units, epochs, points in [(8, 54, None), (128, 54, 5), (64, 10, None), (32, 8, 3), (16, 54, None)]:
        run, band = as_in_python(atlas, "mnist1d", {"units": units, "epochs": epochs}, guess=0.4, points=points)
        drawn = {"number": 1, "guess": 0.4, "history": run.history}
        seeds = {name: band[name].transpose("seed", "epoch").values.tolist() for name in METRICS}
        state = {"run": drawn, "others": [], "band": {"epochs": band.epoch.values.tolist(), **seeds}}
        for metric in ("loss", "accuracy"):
            ax = plot_runs(run, metric=metric, band=band, ax=new_figure().subplots())
            states.append({"metric": metric, "state": state})
            expected.append(ax.get_ylim())
    open_lab(page, address)
    np.testing.assert_allclose(page.evaluate(ZOOM, states), expected, rtol=1e-4)


def test_the_files_are_small(folder):
    sizes = [path.stat().st_size for path in (folder / "data").rglob("*.bin")]
    assert len(sizes) == 72
    assert max(sizes) < 400_000 and sum(sizes) < 25_000_000
    for name in ("few", "all"):
        assert (folder / f"{name}.json").stat().st_size < 40_000
