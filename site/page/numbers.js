// Numbers as Python writes them, so that a table and a sentence are the same with and without a kernel.

// The digits of a number, all that it has, and the power of ten of the first.
function digitsOf(value) {
  const [digits, exponent] = Math.abs(value).toExponential(100).split("e");
  return { digits: digits.replace(".", ""), exponent: Number(exponent), sign: value < 0 ? "-" : "" };
}

// The first so many digits as a whole number, rounded; a half goes to the even one, as in Python.
function rounded(digits, keep) {
  if (keep < 0) return 0n;
  const whole = BigInt(digits.slice(0, keep) || "0");
  const rest = digits.slice(keep).padEnd(1, "0");
  const half = "5".padEnd(rest.length, "0");
  return whole + (rest > half || (rest === half && whole % 2n) ? 1n : 0n);
}

function withPoint(whole, decimals) {
  if (decimals <= 0) return `${whole}`;
  const text = `${whole}`.padStart(decimals + 1, "0");
  return `${text.slice(0, -decimals)}.${text.slice(-decimals)}`;
}

const inExponent = (mantissa, exponent) =>
  `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;

// f"{value:.3f}" for 3 decimals.
export function fixed(value, decimals) {
  const { digits, exponent, sign } = digitsOf(value);
  return sign + withPoint(rounded(digits, exponent + 1 + decimals), decimals);
}

// f"{value:.4g}" for 4 digits; 6 are those of f"{value:g}".
export function general(value, digits = 6) {
  const all = digitsOf(value);
  let { exponent } = all;
  let whole = rounded(all.digits, digits);
  if (whole === 10n ** BigInt(digits)) [whole, exponent] = [whole / 10n, exponent + 1];
  const short = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);
  if (exponent >= -4 && exponent < digits) return all.sign + short(withPoint(whole, digits - 1 - exponent));
  return all.sign + inExponent(short(withPoint(whole, digits - 1)), exponent);
}

// repr(value) of a float.
export function literal(value) {
  const [mantissa, exponent] = value.toExponential().split("e");
  if (Number(exponent) < -4 || Number(exponent) >= 16) return inExponent(mantissa, Number(exponent));
  return Number.isInteger(value) ? `${value}.0` : `${value}`;
}
