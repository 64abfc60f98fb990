// Sends the request on to backend.internal and passes the answer on as it streams, with a field added both ways.

addEventListener('fetch', (event) => event.respondWith(forward(event.request)));

async function forward(request) {
  const url = new URL(request.url);
  const headers = new Headers(request.headers);
  headers.delete('host');
  headers.set('x-stock', 'forward');
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  const answer = await fetch(`http://backend.internal${url.pathname}${url.search}`, {
    method: request.method,
    headers,
    body: hasBody ? request.body : undefined,
    duplex: 'half',
  });
  const fields = new Headers(answer.headers);
  fields.append('x-stock', 'forward');
  return new Response(answer.body, { status: answer.status, headers: fields });
}
