// A server with no phones behind it, for states of the board that real calls reach too rarely:
// lost connections, thousands of listeners, refusals. It speaks the same API with made-up data.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { WebSocketServer } from 'ws';

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm', '.css': 'text/css', '.svg': 'image/svg+xml' };
/** The same policy as the server's: what it forbids must not creep into the board. */
const POLICY = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; media-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export class MockServer {
  constructor(dist, made) {
    Object.assign(this, { dist, made, signedIn: true, requests: [], sockets: new Set(), answers: [], history: {} });
    this.http = http.createServer((request, response) => this.answer(request, response));
    this.websocket = new WebSocketServer({ noServer: true });
    this.http.on('upgrade', (request, socket, head) => {
      if (this.down) return socket.destroy();
      this.websocket.handleUpgrade(request, socket, head, (client) => {
        this.sockets.add(client);
        client.on('close', () => this.sockets.delete(client));
        const after = new URL(request.url, 'http://x').searchParams.get('after');
        this.lastAfter = after;
        const now = Date.now();
        client.send(JSON.stringify(after ? { type: 'resumed', seq: Number(after), now } : { type: 'snapshot', ...this.made.snapshot }));
      });
    });
  }

  async listen(port = 0) {
    await new Promise((done) => this.http.listen(port, '127.0.0.1', done));
    this.port = this.http.address().port;
    return `http://127.0.0.1:${this.port}`;
  }

  close() {
    this.drop();
    this.http.close();
    this.http.closeAllConnections();
  }

  /** Cuts every line and refuses new ones until `back()`. */
  drop() {
    this.down = true;
    for (const client of this.sockets) client.terminate();
  }

  back() {
    this.down = false;
  }

  /** One numbered event to every board. */
  emit(kind, resource) {
    const seq = ++this.made.snapshot.seq;
    this.say({ type: 'event', seq, at: Date.now(), event: { kind, ...resource } });
  }

  say(message) {
    for (const client of this.sockets) client.send(JSON.stringify(message));
  }

  /** The next request whose method and path match is answered so; otherwise 202. */
  next(match, status, body) {
    this.answers.push({ match, status, body });
  }

  answer(request, response) {
    if (this.down) return request.socket.destroy();
    const url = new URL(request.url, 'http://x');
    if (!url.pathname.startsWith('/api/')) return this.file(url.pathname, response);
    let text = '';
    request.on('data', (chunk) => (text += chunk));
    request.on('end', () => {
      const line = `${request.method} ${url.pathname.replace('/api/v1', '')}${url.search}`;
      this.requests.push({ line, body: text ? JSON.parse(text) : null, language: request.headers['accept-language'] });
      const [status, body] = this.reply(line);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(body === undefined ? '' : JSON.stringify(body));
    });
  }

  reply(line) {
    const index = this.answers.findIndex(({ match }) => line.includes(match));
    if (index >= 0) {
      const [{ status, body }] = this.answers.splice(index, 1);
      return [status, body];
    }
    const { me } = this.made.snapshot;
    if (line === 'GET /me') return this.signedIn ? [200, me] : [401, { code: 'not_signed_in', message: 'Sign in first', field: null }];
    if (line === 'POST /session') return ((this.signedIn = true), [200, { me, expires_at: Date.now() + 86_400_000 }]);
    if (line === 'DELETE /session') return ((this.signedIn = false), [204]);
    const path = line.split(' ')[1].split('?')[0];
    if (line.startsWith('GET') && path in this.history) return [200, this.history[path]];
    if (line === 'GET /company/sms-gateway') return [404, { code: 'not_found', message: 'There is no such gateway', field: null }];
    if (/^GET \/(webhooks|tokens|recordings|templates)$/.test(line)) return [200, []];
    if (line.startsWith('GET /occurrences')) return [200, this.made.snapshot.occurrences];
    return [202, {}];
  }

  file(name, response) {
    let file = path.join(this.dist, name);
    const found = fs.existsSync(file) && fs.statSync(file).isFile();
    if (!found) file = path.join(this.dist, 'index.html');
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream', 'content-security-policy': POLICY });
    fs.createReadStream(file).pipe(response);
  }
}
