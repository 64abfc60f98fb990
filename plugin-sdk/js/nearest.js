// The name that was probably meant.

/**
 * What `tell` makes of the known name that is nearest to the one given; nothing if none is near. Letter case and `_` don't
 * count.
 *
 * @param {string} given
 * @param {string[]} known
 * @param {(name: string) => string} tell
 * @returns {string}
 */
export function didYouMean(given, known, tell) {
  const plain = bare(given);
  const near = known
    .map((name) => ({ name, far: plain.startsWith(bare(name)) ? 0 : distance(plain, bare(name)) }))
    .filter(({ name, far }) => far <= Math.max(2, name.length / 4))
    .sort((a, b) => a.far - b.far)[0];
  return near ? tell(near.name) : '';
}

/** @param {string} name */
function bare(name) {
  return name.toLowerCase().replaceAll('_', '');
}

/**
 * How many letters must be put in, left out or changed to make one of the other.
 *
 * @param {string} a
 * @param {string} b
 */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [at, letter] of [...a].entries()) {
    const next = [at + 1];
    for (const [index, other] of [...b].entries()) {
      next.push(
        Math.min((next[index] ?? 0) + 1, (row[index + 1] ?? 0) + 1, (row[index] ?? 0) + Number(letter !== other)),
      );
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
