// Columns out of the block of arrays: the other half of `packing.py`.

const READERS = { i8: Int8Array, i32: Int32Array, f32: Float32Array };

/** The bytes of a text in base64 that were deflated. */
async function inflated(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** The numbers that `place` describes. */
function column(buffer, place) {
  const found = new READERS[place.type](buffer, place.at, place.count);
  if (!place.delta) return found;
  const summed = new Int32Array(found.length);
  let last = 0;
  for (let i = 0; i < found.length; i++) summed[i] = last += found[i];
  return summed;
}

/** Whether a value says where a column lies. */
function isPlace(value) {
  return value !== null && typeof value === "object" && value.type in READERS && "at" in value;
}

/** `facts` with every place replaced by its column. */
function unpacked(buffer, facts) {
  if (isPlace(facts)) return column(buffer, facts);
  if (Array.isArray(facts)) return facts.map((each) => unpacked(buffer, each));
  if (facts === null || typeof facts !== "object") return facts;
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, unpacked(buffer, value)]),
  );
}
