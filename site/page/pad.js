// The digit pad without a kernel: what nbhelpers/widgets/pad.py does, done by the page.

import { PageModel } from "./model.js";

const SIDE = 28;
const BOX = 20;

// The model for the pad's script. `description` is what `export_pad` returned, `folder` the address, ending in "/", of
// the folder into which it wrote. The networks are fetched when something is drawn.
export async function connect(description, folder) {
  const networks = description.networks.map((network) => ({ ...network, load: once(() => load(network, folder)) }));
  const waiting = "The networks have not arrived yet. They answer as soon as they are here.";
  const traits = { ...description.traits, seen: decode(description.traits.seen), waiting };
  let turn = 0;
  const answer = async (message, buffers, model) => {
    const mine = (turn += 1);
    const found = await respond(message, buffers, networks);
    if (mine === turn) model.set(found); // or something else was drawn meanwhile
  };
  return new PageModel(traits, answer);
}

async function respond(message, buffers, networks) {
  if (message.do === "clear") return { problem: "", seen: new DataView(new ArrayBuffer(0)), probabilities: [] };
  try {
    const image = asMnist(new Uint8Array(buffers[0]), message.height, message.width);
    const answers = await Promise.all(networks.map((network) => read(network, image)));
    const seen = new DataView(Uint8Array.from(image, (gray) => Math.round(gray * 255)).buffer);
    const problem = answers.flatMap((answer) => answer.problem ?? []).join("\n");
    return { problem, seen, probabilities: answers.map((answer) => answer.probabilities ?? []) };
  } catch (error) {
    return { problem: error.message };
  }
}

// One network that fails does not keep the others from answering.
async function read({ name, layers, load }, image) {
  let weights;
  try {
    weights = await load();
  } catch (error) {
    return { problem: `The network '${name}' could not be fetched (${error.message}): draw again, or reload the page.` };
  }
  const answer = probabilities({ layers, weights }, image);
  if (answer.every(Number.isFinite)) return { probabilities: answer };
  return { problem: `The network '${name}' returns numbers that are not finite: did its training diverge?` };
}

async function load(network, folder) {
  const response = await fetch(folder + network.file);
  if (!response.ok) throw new Error(`status ${response.status}`);
  return new Float32Array(await response.arrayBuffer());
}

// Do it at the first call, and return the same to the next ones; after a failure, try again.
function once(make) {
  let made = null;
  return () => (made ??= make().catch((error) => ((made = null), Promise.reject(error))));
}

function decode(base64) {
  return new DataView(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
}

// The image that a network sees of a drawing, 28 × 28 gray levels from 0 to 1, row by row: `as_mnist` of pad.py, to the
// last bit. `ink` holds height × width bytes.
export function asMnist(ink, height, width) {
  const crop = cut(ink, height, width);
  const longest = Math.max(crop.height, crop.width);
  const [rows, columns] = [crop.height, crop.width].map((n) => Math.max(1, roundToEven((n * BOX) / longest)));
  const turned = resized(crop.pixels, crop.width, columns);
  const small = resized(turned, crop.height, rows);
  const at = (place) => [Math.floor(place / columns), place % columns];
  const [top, left] = [rows, columns].map((n, axis) => {
    const moment = small.reduce((sum, gray, place) => sum + gray * at(place)[axis], 0);
    const centre = moment / small.reduce((sum, gray) => sum + gray, 0);
    return Math.min(SIDE - n, Math.max(0, Math.floor(SIDE / 2 - centre + 0.5)));
  });
  const image = new Float32Array(SIDE * SIDE);
  small.forEach((gray, place) => {
    const [row, column] = at(place);
    image[(top + row) * SIDE + left + column] = gray / 255;
  });
  return image;
}

// The part of a drawing that holds its ink.
function cut(ink, height, width) {
  const inked = [...ink.keys()].filter((place) => ink[place]);
  if (!inked.length) throw new Error("There is no ink in the drawing: draw a digit first.");
  const [top, bottom] = range(inked.map((place) => Math.floor(place / width)));
  const [left, right] = range(inked.map((place) => place % width));
  const rows = [...Array(bottom - top + 1).keys()].map((row) => (top + row) * width);
  const pixels = rows.flatMap((start) => [...ink.subarray(start + left, start + right + 1)]);
  return { pixels, height: bottom - top + 1, width: right - left + 1 };
}

function range(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

// Python's round.
function roundToEven(value) {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}

// The pixels with each row of `width` scaled to `n`, as Pillow does it, in whole numbers; with rows and columns
// exchanged, so that a second call scales the columns and turns the image back.
function resized(pixels, width, n) {
  const height = pixels.length / width;
  return shares(width, n).flatMap(({ first, parts }) =>
    [...Array(height).keys()].map((row) => {
      const sum = parts.reduce((sum, part, i) => sum + part * pixels[row * width + first + i], ONE / 2);
      return Math.min(255, Math.floor(sum / ONE));
    }),
  );
}

// What each of `n` pixels takes of `width` ones, in parts of ONE: a triangle, as wide as two of the larger pixels.
const ONE = 2 ** 22;

function shares(width, n) {
  const scale = width / n;
  const support = Math.max(1, scale);
  return [...Array(n).keys()].map((i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(width, Math.trunc(centre + support + 0.5)) - first;
    const away = [...Array(count).keys()].map((k) => Math.abs((k + first - centre + 0.5) * (1 / support)));
    const heights = away.map((distance) => Math.max(0, 1 - distance));
    const total = heights.reduce((sum, part) => sum + part, 0);
    return { first, parts: heights.map((part) => Math.floor(0.5 + (part / total) * ONE)) };
  });
}

// What a network answers to an image: `layers` as `export_pad` describes them, `weights` all their numbers in order.
export function probabilities({ layers, weights }, image) {
  let used = 0;
  const take = (n) => weights.subarray(used, (used += n));
  return layers.reduce((values, layer) => KINDS[layer.kind](values, layer, take), [...image]);
}

const KINDS = {
  rescaling: (values, { scale, offset }) => values.map((value) => value * scale + offset),
  activation: (values, { activation }) => ACTIVATIONS[activation](values),
  dense(values, { units, bias, activation }, take) {
    const kernel = take(values.length * units);
    const sums = bias ? [...take(units)] : Array(units).fill(0);
    values.forEach((value, i) => {
      for (let unit = 0; unit < units; unit++) sums[unit] += value * kernel[i * units + unit];
    });
    return ACTIVATIONS[activation](sums);
  },
};

const ACTIVATIONS = {
  linear: (sums) => sums,
  relu: (sums) => sums.map((sum) => Math.max(0, sum)),
  leaky_relu: (sums) => sums.map((sum) => (sum < 0 ? 0.2 * sum : sum)),
  elu: (sums) => sums.map((sum) => (sum < 0 ? Math.expm1(sum) : sum)),
  silu: (sums) => sums.map((sum) => sum / (1 + Math.exp(-sum))),
  sigmoid: (sums) => sums.map((sum) => 1 / (1 + Math.exp(-sum))),
  tanh: (sums) => sums.map(Math.tanh),
  softmax(sums) {
    const largest = Math.max(...sums);
    const powers = sums.map((sum) => Math.exp(sum - largest));
    const total = powers.reduce((sum, power) => sum + power, 0);
    return powers.map((power) => power / total);
  },
};
