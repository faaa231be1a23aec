'use strict';

/** A SAH of a few lines: it answers as it is told, and remembers what it was asked. */

const http = require('node:http');

/**
 * Run `use` with a server on a free port.
 *
 * @param {(asked: any) => {status?: number, body?: any, text?: string, headers?: object, hang?: boolean}} answer
 * @param {(url: string, asked: any[]) => Promise<void>} use
 */
async function withSah(answer, use) {
  const asked = [];
  const server = http.createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      const one = { method, url, headers, body: text ? JSON.parse(text) : undefined };
      asked.push(one);
      const { status = 200, body, text: raw, headers: more, hang } = answer(one, asked.length);
      if (hang) return;
      response.writeHead(status, { 'Content-Type': 'application/json', ...more });
      response.end(raw ?? JSON.stringify(body));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${server.address().port}`, asked);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** A log that keeps what was said. */
function memoryLog() {
  const said = [];
  return {
    said,
    notice: (text) => said.push(text),
    warning: (text) => said.push(`Warning: ${text}`),
  };
}

module.exports = { memoryLog, withSah };
