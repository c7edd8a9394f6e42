// The digit pad: ink goes to the kernel when the pen is lifted, and comes back as MNIST would have it.

const SIZE = 280;
const PEN = 22;
const STEP = 10;

function render({ model, el }) {
  const pad = make("canvas", { className: "pad", width: SIZE, height: SIZE, tabIndex: 0 });
  const help = "Draw with the mouse or a finger. Keys: arrows move the pen, space lowers or lifts it, Delete clears.";
  pad.setAttribute("role", "application");
  pad.setAttribute("aria-label", `Drawing area. ${help}`);
  const clear = make("button", { type: "button", textContent: "Clear" });
  const seen = make("canvas", { className: "seen", width: 28, height: 28 });
  seen.setAttribute("role", "img");
  seen.setAttribute("aria-label", "the drawing in 28 × 28 pixels, as the networks see it");
  const problem = make("pre", { role: "alert" });
  const said = make("div", { className: "said" });
  const pen = make("div");
  said.setAttribute("aria-live", "polite");
  pen.setAttribute("aria-live", "polite");
  const mark = make("div", { className: "mark", hidden: true });

  const ink = pad.getContext("2d", { willReadFrequently: true });
  Object.assign(ink, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#222", fillStyle: "#222" });
  // A line without length draws nothing on a canvas.
  const dot = ([x, y]) => {
    ink.beginPath();
    ink.arc(x, y, PEN / 2, 0, 2 * Math.PI);
    ink.fill();
  };
  const line = (from, to) => {
    ink.beginPath();
    ink.moveTo(...from);
    ink.lineTo(...to);
    ink.stroke();
  };
  const send = () => {
    const pixels = ink.getImageData(0, 0, SIZE, SIZE).data;
    const alpha = new Uint8Array(SIZE * SIZE).map((_, i) => pixels[4 * i + 3]);
    link.ask({ do: "read", height: SIZE, width: SIZE }, [alpha.buffer]);
  };
  const wipe = () => {
    ink.clearRect(0, 0, SIZE, SIZE);
    down = false;
    point();
    link.ask({ do: "clear" });
  };

  let last = null;
  let finger = null;
  // From the box on the screen, so that ink lands under the pen under any zoom of the page.
  const place = (event) => {
    const box = pad.getBoundingClientRect();
    const edge = pad.clientLeft * (box.width / pad.offsetWidth);
    const inside = [box.width - 2 * edge, box.height - 2 * edge];
    return [event.clientX - box.left - edge, event.clientY - box.top - edge].map((at, i) => (at * SIZE) / inside[i]);
  };
  pad.addEventListener("pointerdown", (event) => {
    if (last !== null || event.button !== 0) return;
    finger = event.pointerId;
    pad.setPointerCapture(finger);
    last = place(event);
    dot(last);
  });
  pad.addEventListener("pointermove", (event) => {
    if (last === null || event.pointerId !== finger) return;
    const next = place(event);
    line(last, next);
    last = next;
  });
  const lift = (event) => {
    if (last === null || event.pointerId !== finger) return;
    last = null;
    send();
  };
  pad.addEventListener("pointerup", lift);
  pad.addEventListener("pointercancel", lift);

  let at = [SIZE / 2, SIZE / 2];
  let down = false;
  const point = () => {
    mark.style.left = `${(at[0] * pad.clientWidth) / SIZE}px`;
    mark.style.top = `${(at[1] * pad.clientHeight) / SIZE}px`;
    mark.classList.toggle("down", down);
    pen.textContent = mark.hidden ? "" : `The pen is ${down ? "down" : "up"}.`;
  };
  const moves = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  pad.addEventListener("keydown", (event) => {
    if (event.key in moves) {
      const next = at.map((x, i) => Math.min(SIZE - PEN, Math.max(PEN, x + moves[event.key][i])));
      if (down) line(at, next);
      at = next;
    } else if (event.key === " ") {
      down = !down;
      if (down) dot(at);
      else send();
    } else if (event.key === "Delete" || event.key === "Backspace") wipe();
    else return;
    event.preventDefault();
    mark.hidden = false;
    point();
  });
  pad.addEventListener("blur", () => (mark.hidden = true));
  clear.addEventListener("click", wipe);

  const bars = probabilities(model.get("names"));
  const update = () => {
    problem.textContent = model.get("problem");
    draw(seen, model.get("seen"));
    said.textContent = bars.update(model.get("probabilities"));
  };
  model.on("change:probabilities change:seen change:problem", update);
  const sheet = make("div", { className: "sheet" }, pad, mark);
  const left = make("div", {}, sheet, make("div", { className: "row" }, clear, pen));
  const middle = make("div", {}, make("div", { textContent: "what the networks see" }), seen);
  el.classList.add("digit-pad");
  el.append(make("div", { textContent: help }), make("div", { className: "row" }, left, middle, bars.element));
  el.append(said, problem);
  const link = kernel(model, el);
  update();
  return () => {
    link.close();
    model.off("change:probabilities change:seen change:problem", update);
  };
}

function draw(canvas, bytes) {
  const page = canvas.getContext("2d");
  const pixels = page.createImageData(28, 28);
  for (let i = 0; i < bytes.byteLength; i++) pixels.data[4 * i + 3] = bytes.getUint8(i);
  page.putImageData(pixels, 0, 0);
}

// A row a digit, a bar a network; `update` returns the answers as a sentence.
function probabilities(names) {
  const head = make("tr", {}, ...["digit", ...names].map((text) => make("th", { textContent: text, scope: "col" })));
  const cells = [];
  const rows = [...Array(10).keys()].map((digit) => {
    cells.push(names.map((name) => make("meter", { min: 0, max: 1, value: 0, title: `${name}: ${digit}` })));
    const shown = cells[digit].map((meter) => make("td", {}, meter, make("span")));
    return make("tr", {}, make("th", { textContent: digit, scope: "row" }), ...shown);
  });
  const element = make("table", { className: "bars" }, make("thead", {}, head), make("tbody", {}, ...rows));
  const update = (answers) => {
    cells.forEach((meters, digit) => {
      meters.forEach((meter, i) => {
        const value = answers[i]?.[digit]; // none of a network that failed, or before anything is drawn
        meter.value = value ?? 0;
        meter.nextSibling.textContent = value === undefined ? "" : ` ${value.toFixed(2)}`;
      });
    });
    const best = answers.map((p) => p.indexOf(Math.max(...p)));
    const say = (p, i) => (p.length ? `${names[i]} says ${best[i]} (${p[best[i]].toFixed(2)})` : `${names[i]} failed`);
    return answers.map(say).join(", ");
  };
  return { element, update };
}

export default { render };
