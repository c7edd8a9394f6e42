// The control for one guess. What is entered counts at once, until the answer is out.

function render({ model, el }) {
  const options = model.get("options");
  const [low, high] = [model.get("low"), model.get("high")];
  const input = make(options.length ? "select" : "input");
  const said = make("output");
  if (options.length) {
    input.add(new Option("choose …", ""));
    options.forEach((text) => input.add(new Option(text, text)));
  } else {
    Object.assign(input, { type: "number", min: low, max: high, step: "any", placeholder: `${low} to ${high}` });
  }

  const say = () => {
    const verdict = model.get("verdict");
    const guess = model.get("guess");
    input.value = guess ?? "";
    input.disabled = model.get("closed");
    said.textContent = verdict || (guess === null ? "" : "Noted; read on.");
  };
  const commit = () => {
    const number = input.valueAsNumber;
    // Some browsers let letters and decimal commas stand in a number's field, and give an empty value.
    const bad = input.validity.badInput || (input.value !== "" && !(number >= low && number <= high));
    if (!options.length && bad) {
      said.textContent = `Please guess a number from ${low} to ${high}, such as ${(low + high) / 2}.`;
      return;
    }
    const guess = input.value === "" ? null : options.length ? input.value : number;
    if (guess === model.get("guess")) return say();
    // A message, since a change of the state may wait for a busy kernel until the answer is out. What the kernel
    // has noted comes back.
    said.textContent = "…";
    model.send({ guess });
  };
  input.addEventListener("change", commit);
  input.addEventListener("keydown", (event) => event.key === "Enter" && commit());
  model.on("change:verdict change:guess change:closed", say);
  said.setAttribute("aria-live", "polite");
  const row = labelled(model.get("question"), input, said);
  row.className = "row";
  el.classList.add("course-widget", "prediction");
  el.append(row);
  say();
  return () => model.off("change:verdict change:guess change:closed", say);
}

export default { render };
