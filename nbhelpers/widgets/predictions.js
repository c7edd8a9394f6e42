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
    input.disabled = Boolean(verdict);
    said.textContent = verdict || (guess === null ? "" : "Noted; read on.");
  };
  const commit = () => {
    const number = input.valueAsNumber;
    if (!options.length && input.value !== "" && !(number >= low && number <= high)) {
      said.textContent = `Please guess a number from ${low} to ${high}.`;
      return;
    }
    model.set("guess", input.value === "" ? null : options.length ? input.value : number);
    model.save_changes();
    say();
  };
  input.addEventListener("change", commit);
  input.addEventListener("keydown", (event) => event.key === "Enter" && commit());
  model.on("change:verdict change:guess", say);
  said.setAttribute("aria-live", "polite");
  const row = labelled(model.get("question"), input, said);
  row.className = "row";
  el.classList.add("course-widget", "prediction");
  el.append(row);
  say();
  return () => model.off("change:verdict change:guess", say);
}

export default { render };
