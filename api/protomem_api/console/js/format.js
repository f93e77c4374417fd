// Numbers, times and words as they are shown.

const WHOLE = new Intl.NumberFormat("en");
const WHEN = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

export const whole = (number) => WHOLE.format(number);

export const count = (number, one, many = `${one}s`) => `${whole(number)} ${number === 1 ? one : many}`;

export function percent(share) {
  const digits = share > 0.999 || share < 0.1 ? 1 : 0;
  if (share > 0.9995) return "100%";
  return `${(share * 100).toFixed(digits)}%`;
}

export const similarity = (cosine) => cosine.toFixed(2);

export const signed = (number) => `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(2)}`;

export const when = (at) => WHEN.format(new Date(at));

export const shortly = (hash) => `${hash.slice(0, 8)}…${hash.slice(-4)}`;

export const isVectors = (encoder) => encoder.startsWith("vectors:");

export const encoderName = (encoder) => (isVectors(encoder) ? `vectors, ${encoder.slice(8)} numbers` : encoder);

export const KEEPS = { items: "texts and codes", codes: "codes", nothing: "sums alone" };

// Items from what was typed: texts, one a line, or vectors, one a line. Throws an Error that says which line is wrong.
export function itemsFrom(text, info) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!isVectors(info.encoder)) return lines;
  return lines.map((line, row) => vector(line, info.dimension, lines.length > 1 ? `Line ${row + 1}` : "This"));
}

function vector(line, dimension, name) {
  const numbers = line.replace(/^\[|\]$/g, "").split(/[\s,;]+/).filter(Boolean).map(Number);
  if (numbers.some((number) => !Number.isFinite(number))) {
    throw new Error(`${name} is no vector: write ${dimension} numbers, with spaces or commas between them.`);
  }
  if (numbers.length !== dimension) {
    throw new Error(`${name} has ${count(numbers.length, "number")}, and this memory takes vectors of ${dimension}.`);
  }
  return numbers;
}
