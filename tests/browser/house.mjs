// The real server with simulated phones around it, on free ports and in a folder of its own.
// The phones are a separate process that knows the server by SIP alone; what they live through
// is read from their own log, so a test can say that a phone rang, not only that the board said so.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import dgram from 'node:dgram';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';

const HERE = fileURLToPath(new URL('.', import.meta.url));
/** How long anything may take at all: a limit for hopeless waits, never a pace. */
const HOPELESS_MS = 60_000;

export const IRINA = { email: 'irina@lines.example', password: 'correct-horse-9' };

export class House {
  /** `company` and `lines` are the files; the trunk in the company's is moved to a free port. */
  static async open(rollcall, { company = 'company.toml', lines = 'lines.toml' } = {}) {
    const house = new House();
    house.rollcall = rollcall;
    house.lines = path.resolve(HERE, lines);
    house.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rollcall-house-'));
    [house.http, house.sip, house.trunk] = await Promise.all([freePort(), freePort(), freePort()]);
    house.base = `http://127.0.0.1:${house.http}`;
    house.log = fs.openSync(path.join(house.folder, 'server.log'), 'a');
    const text = fs.readFileSync(path.resolve(HERE, company), 'utf8');
    fs.writeFileSync(path.join(house.folder, 'company.toml'), text.replace('127.0.0.1:5070', `127.0.0.1:${house.trunk}`));
    execFileSync(rollcall, ['company', 'apply', path.join(house.folder, 'company.toml'), '--data', house.data], { stdio: ['ignore', house.log, house.log] });
    await house.startServer();
    await house.startPhones();
    return house;
  }

  get data() {
    return path.join(this.folder, 'data');
  }

  async startServer() {
    const words = ['serve', '--data', this.data, '--http', `127.0.0.1:${this.http}`, '--sip', `127.0.0.1:${this.sip}`, '--rtp-ports', rtpPorts(), '--webrtc', '127.0.0.1:0'];
    this.server = spawn(this.rollcall, words, { stdio: ['ignore', this.log, this.log] });
    await until(async () => {
      if (this.server.exitCode !== null) throw new Error(`The server ended: ${this.serverLog()}`);
      return (await fetch(`${this.base}/api/v1/health`).catch(() => null))?.ok;
    }, 'the server to answer');
  }

  /** As a power cut would. */
  async killServer() {
    this.server.kill('SIGKILL');
    await once(this.server, 'exit');
  }

  async startPhones() {
    const words = ['simulate', '--lines', this.lines, '--server', `127.0.0.1:${this.sip}`, '--trunk-listen', `127.0.0.1:${this.trunk}`, '--events'];
    this.phones = spawn(this.rollcall, words, { stdio: ['ignore', 'pipe', this.log] });
    this.events = [];
    this.waiting = new Set();
    createInterface({ input: this.phones.stdout }).on('line', (text) => {
      const event = JSON.parse(text);
      this.events.push(event);
      for (const look of this.waiting) look();
    });
    // A phone that is off at first registers later, if ever.
    const lines = fs.readFileSync(this.lines, 'utf8').split('[[line]]');
    const accounts = lines.filter((line) => /^account = /m.test(line) && !/do = "off"/.test(line)).length;
    await this.eventually(() => this.events.filter((event) => event.event === 'registered').length >= accounts, 'the phones to register');
  }

  /** A mark in the phones' log: only what comes after it counts. */
  mark() {
    return this.events.length;
  }

  /** The first event of a line since a mark, as soon as it is there. */
  async phone(line, kind, since = 0) {
    const find = () => this.events.slice(since).find((event) => event.line === line && event.event === kind);
    await this.eventually(find, `${line} to have ${kind}`);
    return find();
  }

  since(mark, line, kind) {
    return this.events.slice(mark).filter((event) => event.line === line && event.event === kind);
  }

  eventually(look, what) {
    return new Promise((done, fail) => {
      const hopeless = setTimeout(() => {
        this.waiting.delete(check);
        fail(new Error(`Waited in vain for ${what}. The phones said: ${JSON.stringify(this.events.slice(-12))}`));
      }, HOPELESS_MS);
      const check = () => {
        if (!look()) return;
        clearTimeout(hopeless);
        this.waiting.delete(check);
        done();
      };
      this.waiting.add(check);
      check();
    });
  }

  /** The API, signed in as Irina, for what a test must know besides the board. */
  async api(method, address, body) {
    if (!this.cookie) {
      const answer = await fetch(`${this.base}/api/v1/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(IRINA) });
      this.cookie = answer.headers.get('set-cookie').split(';')[0];
    }
    const headers = { cookie: this.cookie, ...(body && { 'content-type': 'application/json' }) };
    const answer = await fetch(`${this.base}/api/v1/${address}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${address}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  serverLog() {
    return fs.readFileSync(path.join(this.folder, 'server.log'), 'utf8').split('\n').slice(-30).join('\n');
  }

  async close() {
    for (const process of [this.phones, this.server]) {
      if (process && process.exitCode === null && process.signalCode === null) {
        process.kill('SIGTERM');
        await once(process, 'exit');
      }
    }
    fs.closeSync(this.log);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Asks again and again, as quickly as the answers come, until they are yes. */
async function until(ask, what) {
  const end = Date.now() + HOPELESS_MS;
  while (Date.now() < end) {
    if (await ask()) return;
    await new Promise((done) => setImmediate(done));
  }
  throw new Error(`Waited in vain for ${what}`);
}

/** A port that is free for UDP and TCP alike. */
async function freePort() {
  for (;;) {
    const tcp = net.createServer();
    await new Promise((done) => tcp.listen(0, '127.0.0.1', done));
    const { port } = tcp.address();
    const udp = dgram.createSocket('udp4');
    const free = await new Promise((done) => udp.once('error', () => done(false)).bind(port, '127.0.0.1', () => done(true)));
    if (free) await new Promise((done) => udp.close(done));
    await new Promise((done) => tcp.close(done));
    if (free) return port;
  }
}

/** A range that other tests on this machine are unlikely to be in. */
function rtpPorts() {
  const first = 30_000 + (process.pid % 120) * 200;
  return `${first}-${first + 199}`;
}
