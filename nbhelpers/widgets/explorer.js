// The controls and the picture of `explore`.
// A picture that was seen, or was drawn ahead, is shown at once; any other is asked for from the kernel,
// one at a time, the newest wish first.

function render({ model, el }) {
  const specs = model.get("controls");
  const index = [...model.get("index")];
  const pictures = new Map();
  const image = make("img");
  const problem = make("pre", { role: "alert" });
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
  const receive = (message, buffers) => {
    const key = message.index.join();
    if (key === asked) asked = null;
    if (buffers.length) keep(key, buffers[0]);
    else if (key === index.join()) problem.textContent = message.problem;
    // What failed is not asked for again at once; a wish that came meanwhile is.
    if (buffers.length || key !== index.join()) refresh(!buffers.length);
  };
  model.on("msg:custom", receive);

  const controls = make("div", { className: "controls" });
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
  el.classList.add("course-widget", "explore");
  el.append(controls, problem, image);
  keep(index.join(), model.get("first"));
  refresh();
  return () => {
    model.off("msg:custom", receive);
    pictures.forEach((url) => URL.revokeObjectURL(url));
  };
}

export default { render };
