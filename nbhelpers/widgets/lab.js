// The live lab. The kernel holds the runs and draws the picture; the browser only shows what it says,
// so a page that is opened again shows the same.

function render({ model, el }) {
  let index = [...model.get("index")];
  let moving = 0; // changes that the kernel has not heard of yet
  const rows = model.get("controls").map((spec, i) =>
    control(spec, index[i], async (value) => {
      index[i] = value;
      moving += 1;
      const answer = await link.ask({ do: "set", index: [...index] });
      moving -= 1;
      if (answer) moved(); // else the reader's choice stays, and goes along with the next training
    }),
  );
  const controls = make("div", { className: "controls" }, ...rows);

  const guess = make("input", { type: "number", min: 0, max: 1, step: "any", placeholder: "0 to 1" });
  const train = make("button", { type: "button", textContent: "Train" });
  const stop = make("button", { type: "button", textContent: "Stop" });
  const bar = make("progress", { max: 1, value: 0 });
  bar.setAttribute("aria-label", "progress of the training");
  const reached = make("span"); // not read out: it changes several times a second
  const note = make("div");
  note.setAttribute("aria-live", "polite");
  const problem = make("pre", { role: "alert" });
  const image = make("img");
  const first = labelled("Your guess: validation accuracy after the last epoch", guess);
  first.className = "row";

  let warned = false;
  let refused = "";
  const ask = async (message) => {
    refused = "";
    refused = (await link.ask(message))?.problem ?? "";
    update();
  };
  train.addEventListener("click", () => {
    if (model.get("training")) return;
    if (guess.validity.badInput) {
      note.textContent = "Please enter a number from 0 to 1, such as 0.95.";
      guess.focus();
      return;
    }
    if (guess.value === "" && !warned) {
      warned = true;
      note.textContent = "What do you expect? Enter a guess, or press Train once more to train without one.";
      guess.focus();
      return;
    }
    warned = false;
    problem.textContent = "";
    note.textContent = "Preparing …";
    ask({ do: "train", index: [...index], guess: guess.value === "" ? null : guess.valueAsNumber });
  });
  stop.addEventListener("click", () => {
    if (!model.get("training")) return;
    note.textContent = "Stopping …";
    ask({ do: "stop" });
  });

  const table = runs(model, (numbers) => link.ask({ do: "draw", runs: numbers }));
  const update = () => {
    const training = model.get("training");
    // Not `disabled`: that would take the focus from whoever has just pressed the button.
    train.setAttribute("aria-disabled", training);
    stop.setAttribute("aria-disabled", !training);
    bar.value = model.get("progress");
    reached.textContent = model.get("reached");
    if (note.textContent !== model.get("note")) note.textContent = model.get("note");
    problem.textContent = refused || model.get("problem");
  };
  const draw = () => {
    image.alt = model.get("alt");
    show(image, model.get("picture"));
  };
  const started = () => model.get("training") && (guess.value = "");
  // Moved in another view, or by the next cell.
  const moved = () => {
    if (moving) return;
    index = [...model.get("index")];
    rows.forEach((row, i) => row.show(index[i]));
  };
  // What can be chosen depends on the task where a page has both.
  const offered = () => {
    index = [...model.get("index")];
    rows.forEach((row, i) => row.offer(model.get("controls")[i], index[i]));
  };
  const events = "change:training change:progress change:reached change:note change:problem";
  model.on(events, update);
  model.on("change:picture", draw);
  model.on("change:training", started);
  model.on("change:rows change:drawn change:columns", table.update);
  model.on("change:index", moved);
  model.on("change:controls", offered);

  const line = make("div", { className: "row" }, train, stop, bar, reached);
  el.classList.add("live-lab");
  el.append(controls, first, line, note);
  const link = kernel(model, el);
  el.append(problem, image, table.element);
  update();
  draw();
  table.update();
  return () => {
    link.close();
    URL.revokeObjectURL(image.src);
    model.off(events, update);
    model.off("change:picture", draw);
    model.off("change:training", started);
    model.off("change:rows change:drawn change:columns", table.update);
    model.off("change:index", moved);
    model.off("change:controls", offered);
  };
}

// All runs, sorted by the column whose head was pressed last; a tick draws a run, a button saves the table.
function runs(model, draw) {
  const columns = model.get("columns");
  let sort = { column: 0, up: true };
  const head = make("tr", {}, make("th", { textContent: "draw", scope: "col" }));
  const body = make("tbody");
  const heads = columns.map((text, column) => {
    const button = make("button", { type: "button", textContent: text });
    button.addEventListener("click", () => {
      sort = { column, up: sort.column === column ? !sort.up : true };
      update();
    });
    const th = make("th", { scope: "col" }, button);
    head.append(th);
    return th;
  });
  const save = make("button", { type: "button", textContent: "Save the table as CSV" });
  save.addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([model.get("csv")], { type: "text/csv" }));
    make("a", { href: url, download: "runs.csv" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  });
  const table = make("table", {}, make("caption", { textContent: "Runs" }), make("thead", {}, head), body);
  const element = make("div", {}, make("div", { className: "scroll" }, table), save);

  const compare = (a, b) => {
    const [x, y] = [a[sort.column][1], b[sort.column][1]];
    if (x === null || y === null) return (x === null) - (y === null);
    return (x < y ? -1 : x > y ? 1 : 0) * (sort.up ? 1 : -1);
  };
  const tick = (number) => {
    const box = make("input", { type: "checkbox" });
    box.setAttribute("aria-label", `draw run ${number}`);
    box.addEventListener("change", () => {
      const others = model.get("drawn").filter((n) => n !== number);
      draw(box.checked ? [...others, number] : others);
    });
    return box;
  };
  // A row stays what it is, so that it can be used while a training changes its numbers.
  const lines = new Map();
  const line = (number) => {
    if (!lines.has(number)) {
      const cells = columns.map(() => make("td"));
      const box = tick(number);
      lines.set(number, { box, cells, row: make("tr", {}, make("td", {}, box), ...cells) });
    }
    return lines.get(number);
  };
  const update = () => {
    const rows = model.get("rows");
    element.hidden = !rows.length;
    heads.forEach((th, i) => {
      th.firstChild.textContent = model.get("columns")[i];
      th.setAttribute("aria-sort", i !== sort.column ? "none" : sort.up ? "ascending" : "descending");
    });
    rows.forEach((row) => {
      const { box, cells } = line(row[0][1]);
      box.disabled = row[0][1] === rows.length;
      box.checked = box.disabled || model.get("drawn").includes(row[0][1]);
      row.forEach(([text], i) => cells[i].textContent !== text && (cells[i].textContent = text));
    });
    const order = [...rows].sort(compare).map((row) => line(row[0][1]).row);
    if (order.some((row, i) => row !== body.children[i])) {
      const focused = body.contains(document.activeElement) && document.activeElement;
      body.replaceChildren(...order);
      if (focused) focused.focus();
    }
  };
  return { element, update };
}

export default { render };
