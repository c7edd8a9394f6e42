// `explore` without a kernel: each combination was drawn when the site was built, is fetched when it is chosen, and kept.

import { PageModel } from "./model.js";

const WORDS = {
  waiting: "The figure is slow to come; move the control again if it does not.",
  waits: "The figure is on its way.",
};
const NOTHING = new DataView(new ArrayBuffer(0));

export async function connect({ traits, pictures }, folder) {
  const kept = new Map();
  const fetched = async (key) => {
    const response = await fetch(`${folder}${key}.png`);
    if (!response.ok) throw new Error(`${key}.png: ${response.status}`);
    return new DataView(await response.arrayBuffer());
  };
  const picture = (key) => {
    if (!kept.has(key)) kept.set(key, fetched(key));
    kept.get(key).catch(() => kept.delete(key)); // the next time it is fetched again
    return kept.get(key);
  };
  // What the kernel's half of the widget would set for a combination.
  const shown = async (index) => {
    const key = index.join("-");
    const { alt = "", problem = "" } = pictures[key];
    if (problem) return { index, alt, problem, picture: NOTHING };
    return { index, alt, problem, picture: await picture(key) };
  };
  const failed = (index) => (error) => {
    const problem = `The figure could not be fetched (${error.message}). Is the network gone? Move the control again.`;
    return { index, alt: "", problem, picture: NOTHING };
  };
  let turn = 0; // a picture that comes late must not take the reader back
  const answer = async ({ do: what, index }, buffers, model) => {
    if (what === "show") {
      const mine = (turn += 1);
      const traits = await shown(index).catch(failed(index));
      if (mine === turn) model.set(traits);
      return;
    }
    const ahead = await shown(index);
    if (!ahead.problem) model.emit(["msg:custom"], { ahead: index, alt: ahead.alt }, [ahead.picture]);
  };
  const first = await shown(traits.index).catch(failed(traits.index));
  return new PageModel({ ...traits, ...WORDS, ...first }, answer);
}
