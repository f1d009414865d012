// How numbers and times are written: as in the reports of the command line.

const DASH = "\u2013";
const MINUTES_PER_DAY = 1440;

function known(value) {
  return value !== null && value !== undefined && !Number.isNaN(value);
}

function number(value, digits = 1, signed = false) {
  if (!known(value)) return DASH;
  if (!Number.isFinite(value)) return value > 0 ? "\u221e" : "\u2212\u221e";
  const text = Math.abs(value).toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  const zero = Number(text.replaceAll(",", "")) === 0;
  if (value < 0 && !zero) return `\u2212${text}`;
  return signed && !zero ? `+${text}` : text;
}

function percent(value, digits = 0) {
  return known(value) ? `${number(100 * value, digits)} %` : DASH;
}

/** A UTC time, given in minutes since 1970. */
function time(minute) {
  return new Date(minute * 60_000).toISOString().slice(0, 16).replace("T", " ");
}

function duration(minutes) {
  if (minutes < 60) return `${minutes} min`;
  if (minutes < MINUTES_PER_DAY) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  const days = Math.floor(minutes / MINUTES_PER_DAY);
  return `${days} d ${Math.floor((minutes % MINUTES_PER_DAY) / 60)} h`;
}

/** "gain", "loss", or nothing: the class of a signed number. */
function sign(value) {
  if (!known(value) || value === 0) return "";
  return value > 0 ? "gain" : "loss";
}

/** The largest of any number of values. */
function largestOf(values) {
  return values.reduce((most, value) => Math.max(most, value), -Infinity);
}

function side(exposure) {
  if (exposure === 0) return "flat";
  return exposure > 0 ? "long" : "short";
}

/** An exposure such as "+1 long". */
function exposure(value) {
  return value === 0 ? "flat" : `${number(value, Number.isInteger(value) ? 0 : 2, true)} ${side(value)}`;
}
