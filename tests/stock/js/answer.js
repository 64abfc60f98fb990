// Answers by itself: says what it was asked, then sends a body of as many chunks as the query says, one after the
// other.

addEventListener('fetch', (event) => event.respondWith(answer(event.request)));

async function answer(request) {
  const url = new URL(request.url);
  const chunks = Number(url.searchParams.get('chunks') ?? 1);
  if (url.pathname === '/throw') throw new Error('thrown on request');
  if (url.pathname === '/echo') {
    return new Response(request.body, { status: 203, headers: { 'x-method': request.method } });
  }
  return new Response(lines(`${request.method} ${url.pathname}\n`, chunks), {
    headers: { 'content-type': 'text/plain', 'x-stock': 'answer' },
  });
}

/** The line that often, each time as a chunk of its own. */
function lines(line, count) {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      if (count-- > 0) controller.enqueue(encoder.encode(line));
      else controller.close();
    },
  });
}
