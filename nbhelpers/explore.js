// The controls and the picture of `nbhelpers.widgets.explore`.
// A picture that was seen, or was drawn ahead, is shown at once; any other is asked for from the kernel,
// one at a time, the newest wish first.

function control(spec, index, change) {
  const row = document.createElement("div");
  const label = document.createElement("label");
  const shown = document.createElement("output");
  const input = document.createElement(spec.slider ? "input" : "select");
  label.textContent = spec.label;
  label.htmlFor = input.id = `explore-${crypto.randomUUID()}`;
  // JupyterLab must not take the keys that are meant for the control: "dd" would delete the cell.
  input.dataset.lmSuppressShortcuts = "true";
  if (spec.slider) {
    Object.assign(input, { type: "range", min: 0, max: spec.options.length - 1, step: 1 });
  } else {
    spec.options.forEach((text, i) => input.add(new Option(text, i)));
  }
  input.value = index;
  const say = () => {
    if (!spec.slider) return;
    shown.textContent = spec.options[input.value];
    input.setAttribute("aria-valuetext", spec.options[input.value]);
  };
  say();
  input.addEventListener("input", () => {
    say();
    change(Number(input.value));
  });
  row.append(label, input, shown);
  return row;
}

function render({ model, el }) {
  const specs = model.get("controls");
  const index = [...model.get("index")];
  const pictures = new Map();
  const image = document.createElement("img");
  const problem = document.createElement("pre");
  problem.setAttribute("role", "alert");
  let asked = null;
  let step = [0, 1];

  const keep = (key, bytes) => pictures.set(key, URL.createObjectURL(new Blob([bytes], { type: "image/png" })));
  const ask = (wish) => {
    asked = wish.join();
    model.send({ index: wish });
  };
  // The next value in the direction of the last move: drawn ahead while nothing else is to be done.
  const ahead = () => {
    const next = [...index];
    next[step[0]] += step[1];
    return next[step[0]] in specs[step[0]].options && !pictures.has(next.join()) ? next : null;
  };
  const refresh = (failed = false) => {
    const key = index.join();
    if (pictures.has(key)) {
      image.src = pictures.get(key);
      image.alt = `${model.get("title")} for ${specs.map((s, i) => `${s.label} ${s.options[index[i]]}`).join(", ")}`;
      problem.textContent = "";
    }
    const wish = !pictures.has(key) ? index : failed ? null : ahead();
    if (asked === null && wish) ask(wish);
  };
  model.on("msg:custom", (message, buffers) => {
    const key = message.index.join();
    if (key === asked) asked = null;
    if (buffers.length) keep(key, buffers[0]);
    else if (key === index.join()) problem.textContent = message.problem;
    // What failed is not asked for again at once; a wish that came meanwhile is.
    if (buffers.length || key !== index.join()) refresh(!buffers.length);
  });

  const controls = document.createElement("div");
  controls.className = "explore-controls";
  specs.forEach((spec, i) => {
    const change = (value) => {
      step = [i, value < index[i] ? -1 : 1];
      index[i] = value;
      model.set("index", [...index]);
      model.save_changes();
      refresh();
    };
    controls.append(control(spec, index[i], change));
  });
  el.classList.add("explore");
  el.append(controls, problem, image);
  keep(index.join(), model.get("first"));
  refresh();
  return () => pictures.forEach((url) => URL.revokeObjectURL(url));
}

export default { render };
