// The backend of the tests: a few answers of each kind, and a WebSocket that answers each message.

import { createHash } from 'node:crypto';
import http from 'node:http';
import { deflateSync } from 'node:zlib';

export const USER = {
  id: 7, name: 'Ada Lovelace', email: 'ada@example.org', roles: ['author', 'admin'],
  address: { street: '12 St James’s Square', city: 'London' }, created: '2026-11-29T14:02:11Z',
};

/** A PNG of so many pixels in a square, in stripes. */
function picture(size) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length);
    ends.writeInt32BE(crc(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(size, 0);
  head.writeUInt32BE(size, 4);
  // Eight bits for each of red, green, blue.
  head.set([8, 2], 8);
  const rows = Array.from({ length: size }, (_, y) => [0, ...Array.from({ length: size }, (_, x) => ((x + y) % 16 < 8 ? [36, 87, 197] : [230, 238, 252])).flat()]);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', deflateSync(Buffer.from(rows.flat()))), chunk('IEND', Buffer.alloc(0))]);
}

/** CRC-32 (ISO 3309). */
function crc(data) {
  let sum = -1;
  for (const byte of data) {
    sum ^= byte;
    for (let bit = 0; bit < 8; bit += 1) sum = sum & 1 ? (sum >>> 1) ^ 0xedb88320 : sum >>> 1;
  }
  return ~sum;
}

const PICTURE = picture(64);

export async function startBackend() {
  let asked = 0;
  const server = http.createServer((request, response) => {
    asked += 1;
    const json = (status, value) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(value));
    };
    const path = request.url.split('?')[0];
    request.resume().on('end', () => {
      if (path === '/users/7') json(200, USER);
      else if (path === '/users') json(201, { ...USER, id: 8 });
      else if (path === '/missing') json(404, { error: 'there is no such thing' });
      else if (path === '/broken') json(500, { error: 'out of order' });
      else if (path === '/avatar.png') response.writeHead(200, { 'content-type': 'image/png' }).end(PICTURE);
      else if (path === '/bytes') response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(Buffer.from(Array.from({ length: 256 }, (_, at) => at)));
      else if (path === '/html') response.writeHead(200, { 'content-type': 'text/html' }).end('<script>window.taken = 1</script><img src=x onerror="window.taken = 2">');
      else if (path === '/stream') stream(response);
      else json(200, { path: request.url });
    });
  });
  const sockets = new Set();
  server.on('upgrade', (request, socket) => {
    sockets.add(socket);
    webSocket(request, socket);
  });
  server.keepAliveTimeout = 60000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    /** How many requests came. */
    asked: () => asked,
    stop: () => new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      server.close(resolve);
    }),
  };
}

/** Events, each in a write of its own. */
function stream(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let sent = 0;
  const next = () => {
    sent += 1;
    response.write(`data: {"n":${sent},"email":"ada@example.org"}\n\n`);
    if (sent === 5) response.end();
    else setTimeout(next, 20);
  };
  next();
}

/** Answers a text message with `got: ` and its text; only short messages in one frame (RFC 6455). */
function webSocket(request, socket) {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`);
  let received = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (data) => {
    received = Buffer.concat([received, data]);
    while (received.length >= 6 && received.length >= 6 + (received[1] & 0x7f)) {
      const length = received[1] & 0x7f;
      const mask = received.subarray(2, 6);
      const payload = Buffer.from(received.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at % 4]));
      const opcode = received[0] & 0x0f;
      received = received.subarray(6 + length);
      if (opcode === 8) return socket.end(Buffer.concat([Buffer.from([0x88, payload.length]), payload]));
      const answer = Buffer.from(`got: ${payload}`);
      if (opcode === 1) socket.write(Buffer.concat([Buffer.from([0x81, answer.length]), answer]));
    }
  });
}
