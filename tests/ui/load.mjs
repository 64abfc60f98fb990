// Sends requests: `node load.mjs URL COUNT PER_SECOND`, with 0 as fast as they are answered. Prints how many a second there were.

import http from 'node:http';

const [, , url, count, perSecond] = process.argv;
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });
const total = Number(count);
const rate = Number(perSecond) || Infinity;
const began = performance.now();
let sent = 0;
let done = 0;

function one() {
  sent += 1;
  const request = http.get(`${url}/users/7?n=${sent}`, { agent }, (response) => {
    response.resume().on('end', () => {
      done += 1;
      if (done === total) {
        console.log((1000 * total) / (performance.now() - began));
        process.exit(0);
      }
      next();
    });
  });
  request.on('error', (error) => {
    console.error(error.message);
    process.exit(1);
  });
}

/** Keeps eight under way, but not before their time. */
function next() {
  while (sent < total && sent - done < 8) {
    const early = (1000 * sent) / rate - (performance.now() - began);
    if (early > 0) return void setTimeout(next, early);
    one();
  }
}

next();
